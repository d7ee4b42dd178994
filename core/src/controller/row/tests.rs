use super::*;
use crate::timetable::{Board, Schedules};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A target with these bounds and so many tasks desired, about which there is this verdict.
fn row(bounds: (u32, u32), desired: u32, verdict: Verdict) -> Row {
    let board = Board::new(Schedules::default().into(), NOW);
    let mut row = Row::new(board.members(&TargetId::new("shop", "www")), SignedDuration::ZERO);
    let live = ScalableTarget { min: bounds.0, max: bounds.1, scheduled_scaling_suspended: false };
    let counts = ServiceCounts {
        desired,
        running: desired,
        pending: 0,
        deploying: false,
        deployment_controller: crate::ecs::DeploymentController::Ecs,
        express_mode: false,
    };
    row.seen = Seen {
        target: Some(Look { asked: NOW, value: Some(live) }),
        counts: Some(Look { asked: NOW, value: Some(counts) }),
    };
    row.counted = true;
    row.verdict = verdict;
    row
}

fn action(min: Option<u32>, max: Option<u32>) -> Box<Action> {
    Box::new(Action { target: TargetId::new("shop", "www"), min, max })
}

fn change(cause: ChangeCause, min: Option<u32>, max: Option<u32>) -> Verdict {
    Verdict::Change { action: action(min, max), cause, limited: false }
}

#[test]
fn what_rises_is_urgent_by_its_shortfall_then_what_is_to_be_lifted_then_what_falls() {
    let (rise, fall) = (ChangeCause::Rise, ChangeCause::Fall);
    let cases = [
        (row((1, 10), 1, change(rise, Some(3), None)), Class::Rise, 2),
        (row((1, 10), 1, change(rise, None, Some(20))), Class::Rise, 0),
        (row((1, 10), 1, change(fall, Some(3), Some(5))), Class::Rise, 2),
        (row((3, 10), 1, Verdict::Nudge(action(Some(3), None))), Class::Nudge, 2),
        (row((3, 10), 3, change(fall, Some(1), None)), Class::Fall, 0),
        (row((3, 10), 3, change(fall, Some(3), Some(5))), Class::Fall, 0),
    ];
    for (row, class, shortfall) in cases {
        let urgency = Urgency::new(class, None, shortfall, NOW);
        assert_eq!(row.urgency_now(NOW), Some(urgency), "{:?}", row.verdict);
    }
    assert_eq!(row((3, 10), 3, Verdict::InSync).urgency_now(NOW), None);
}

#[test]
fn a_look_that_left_before_a_write_was_accepted_or_after_now_serves_for_nothing() {
    let (second, mut row) = (SignedDuration::from_secs(1), row((1, 10), 1, Verdict::InSync));
    let (sent, later) = (NOW + second, NOW + second * 2);
    assert!(row.is_served_by(NOW, later) && row.is_served_by(later, later) && !row.is_served_by(later, sent));
    row.history.accepted = Some(Accepted { min: Some(1), max: None, at: sent });
    assert!(!row.is_served_by(NOW, later) && row.is_served_by(sent, later));
    row.history.accepted = None;
    row.history.outcome_unknown = Some(sent);
    assert!(!row.is_served_by(NOW, later) && row.is_served_by(sent, later));
}

#[test]
fn a_page_shows_what_came_since_the_last_one_before_any_tick() {
    let (target, mut row) = (TargetId::new("shop", "www"), row((1, 10), 1, Verdict::InSync));
    let observed = |row: &mut Row| row.status(&target, |_| None, &mut None).observed.map(|bounds| bounds.min);
    row.dirty = false;
    assert_eq!(observed(&mut row), Some(1));
    let live = ScalableTarget { min: 4, max: 10, scheduled_scaling_suspended: false };
    row.saw_target(NOW, Some(live));
    assert_eq!(observed(&mut row), Some(4));
}

#[test]
fn a_write_is_late_unless_someone_else_holds_the_target() {
    assert!(may_still_be_late(&Verdict::Withheld(Withheld::NoFreshLook)));
    assert!(!may_still_be_late(&Verdict::Withheld(Withheld::DesiredAboveMax)));
    assert!(may_still_be_late(&change(ChangeCause::Fall, Some(1), None)));
    assert!(!may_still_be_late(&Verdict::Contested(NOW)));
}
