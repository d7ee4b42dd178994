//! Standing by: of several replicas one writes. The others look, judge and serve, so that they can go on at once.

use super::{Controller, Fact};
use crate::lease::Standing;

impl Controller {
    /// Whether another replica may be writing.
    pub(super) fn stands_by(&self) -> bool {
        self.lease.as_ref().is_some_and(|standing| !standing.leader)
    }

    /// Takes in where this replica stands. Whoever becomes the leader goes on from what it last saw, and looks at once.
    pub(super) fn stand(&mut self, standing: Standing) {
        let before = self.lease.replace(standing.clone()).unwrap_or_default();
        if standing.leader != before.leader {
            self.facts.push(Fact::Leadership { leader: standing.leader, holder: standing.holder });
            if standing.leader {
                self.domains.values_mut().for_each(|domain| domain.due.targets = true);
            }
        }
        match (before.error, standing.error) {
            (before, Some(error)) if before.as_ref() != Some(&error) => {
                self.facts.push(Fact::LeaseFailed { error });
            }
            (Some(_), None) => self.facts.push(Fact::LeaseRecovered),
            (Some(_) | None, Some(_)) | (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn standing(leader: bool, error: Option<&str>) -> Standing {
        Standing { leader, holder: Some("x".to_owned()), error: error.map(str::to_owned) }
    }

    #[test]
    fn each_transition_is_told_once() {
        let mut controller = Controller::new(Settings::default(), String::new());
        assert!(!controller.stands_by());
        let told = [
            Standing::default(),
            standing(false, Some("denied")),
            standing(false, Some("denied")),
            standing(true, None),
            standing(true, None),
            standing(false, None),
        ]
        .map(|standing| {
            controller.stand(standing);
            controller.drain_facts()
        });
        let leadership = |leader| Fact::Leadership { leader, holder: Some("x".to_owned()) };
        let failed = Fact::LeaseFailed { error: "denied".to_owned() };
        let expected: [Vec<Fact>; 6] = [
            vec![],
            vec![failed],
            vec![],
            vec![leadership(true), Fact::LeaseRecovered],
            vec![],
            vec![leadership(false)],
        ];
        assert_eq!(told, expected);
        assert!(controller.stands_by());
    }
}
