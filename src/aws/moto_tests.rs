//! The adapter against moto.

use baseload_core::ecs::ScalableTarget;
use baseload_core::model::TargetId;

use super::*;

#[path = "../../tests/support/mod.rs"]
mod support;

use support::Moto;

const PREPARE: &str = "
ecs.create_cluster(clusterName='shop')
task = dict(family='task', containerDefinitions=[dict(name='c', image='i', memory=64)])
ecs.register_task_definition(**task)
for n in range(120):
    ecs.create_service(cluster='shop', serviceName=f's{n}', taskDefinition='task', desiredCount=2)
    scaling.register_scalable_target(ServiceNamespace='ecs', ResourceId=f'service/shop/s{n}',
        ScalableDimension='ecs:service:DesiredCount', MinCapacity=1, MaxCapacity=4)
on_s1 = dict(ServiceNamespace='ecs', ResourceId='service/shop/s1', ScalableDimension='ecs:service:DesiredCount')
scaling.put_scaling_policy(PolicyName='cpu', PolicyType='TargetTrackingScaling', **on_s1,
    TargetTrackingScalingPolicyConfiguration=dict(TargetValue=50,
        PredefinedMetricSpecification=dict(PredefinedMetricType='ECSServiceAverageCPUUtilization')))
scaling.put_scheduled_action(ScheduledActionName='night', Schedule='cron(0 20 * * ? *)', **on_s1,
    ScalableTargetAction=dict(MinCapacity=0))
";

async fn connect(moto: &Moto) -> Aws {
    let stand_in = Some(moto.endpoint.clone());
    let (clock, on_call) = (Clock::System, Arc::new(|_| ()));
    let config = AwsConfig { stand_in, patience: Patience::default(), clock, on_call, permit: Permit::unlimited() };
    Accounts::connect(config, Roles::new()).await.home().await
}

fn services(count: usize) -> Vec<TargetId> {
    (0..count).map(|n| TargetId::new("shop", format!("s{n}"))).collect()
}

async fn targets(aws: &Aws, query: Query) -> Vec<(TargetId, Option<ScalableTarget>)> {
    let Observation::Targets(answer) = aws.observe(&query).await else { panic!("not an answer about targets") };
    assert_eq!(answer.failed, []);
    answer.found.into_iter().collect()
}

#[tokio::test]
async fn moto_is_observed_and_written_to() {
    let moto = Moto::start();
    moto.python(PREPARE);
    let aws = connect(&moto).await;

    let all = targets(&aws, Query::AllTargets).await;
    let unmanaged = ScalableTarget { min: 1, max: 4, scheduled_scaling_suspended: false };
    assert!(all.len() == 120 && all.iter().all(|(_, seen)| *seen == Some(unmanaged)));
    let exact = targets(&aws, Query::Targets(services(121))).await;
    assert_eq!(exact.iter().filter(|(_, seen)| seen.is_none()).count(), 1);

    let www = TargetId::new("shop", "s1");
    let raise = Action { target: www.clone(), min: Some(3), max: None };
    aws.apply(&raise).await.expect("moto accepts a registered target");
    let raised = Some(ScalableTarget { min: 3, ..unmanaged });
    assert_eq!(targets(&aws, Query::Targets(vec![www])).await[0].1, raised);

    let gone = Action { target: TargetId::new("shop", "gone"), ..raise };
    let refused = aws.apply(&gone).await.map_err(|error| error.kind);
    assert_eq!(refused, Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn moto_tells_of_services_and_of_who_else_decides() {
    let moto = Moto::start();
    moto.python(PREPARE);
    let aws = connect(&moto).await;

    let Observation::Services(answer) = aws.observe(&Query::Services(services(121))).await else {
        panic!("not an answer about services")
    };
    assert_eq!(answer.failed, []);
    let desired = |(_, counts): (_, Option<baseload_core::ecs::ServiceCounts>)| counts.map(|counts| counts.desired);
    let desired: Vec<_> = answer.found.into_iter().map(desired).collect();
    assert_eq!((desired.len(), desired.iter().filter(|desired| **desired == Some(2)).count()), (121, 120));

    for wanted in [services(2), services(120)] {
        let Observation::Survey(answer) = aws.observe(&Query::Survey(wanted)).await else {
            panic!("not an answer to a survey")
        };
        assert_eq!(answer.failed, []);
        let rivals = |(target, survey): (TargetId, Option<_>)| Some((target.to_string(), survey?));
        let mut rivals: Vec<(_, baseload_core::ecs::Survey)> = answer.found.into_iter().filter_map(rivals).collect();
        rivals.retain(|(_, survey)| *survey != Default::default());
        assert_eq!((rivals.len(), rivals[0].0.as_str()), (1, "shop/s1"));
        assert_eq!(
            (&*rivals[0].1.policies, &*rivals[0].1.scheduled_actions),
            (&["cpu".into()][..], &["night".into()][..])
        );
    }
}
