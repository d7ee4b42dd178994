//! `run --simulate`: the controller over an ECS of its own, which any AWS client can speak to.

use serde_json::Value;

use crate::account::MOTO;
use crate::controller::Controller;
use crate::folder::{Folder, constant, schedule};
use crate::support::boto3;
use crate::wait::until;

/// Starts a simulation, and returns it with the address at which it speaks AWS's protocol.
fn simulate(folder: &Folder, more: &[&str]) -> (Controller, String) {
    let controller = Controller::start_in(&[], folder, &[&["--simulate"], more].concat());
    let endpoint = controller.status()["simulator"].as_str().expect("the status names the simulator").to_owned();
    (controller, endpoint)
}

fn first_target(controller: &Controller) -> Value {
    controller.status()["targets"][0].clone()
}

#[test]
fn floors_and_tasks_follow_the_simulated_day() {
    let every_other_hour =
        "  default: { min: 1 }\n  windows: [{ name: odd, cron: \"0 1-23/2 * * *\", duration: 1h, min: 6 }]\n";
    let folder = Folder::with("day.yaml", schedule("day", &["shop/www"], every_other_hour));
    let (controller, endpoint) = simulate(&folder, &["--speed", "600"]);
    controller.wait_log(&[&endpoint]);
    for floor in [6, 1, 6, 1] {
        until("the floor in force is the one in AWS", || {
            let target = first_target(&controller);
            target["floor"]["min"] == floor && target["observed"]["min"] == floor
        });
        until("its tasks run, or the next floor is in force", || {
            let target = first_target(&controller);
            let running = target["counts"]["running"].as_u64();
            running.is_some_and(|running| running >= floor) || target["floor"]["min"] != floor
        });
    }
}

#[test]
fn after_a_rise_the_tasks_come_up() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 6));
    let (controller, _) = simulate(&folder, &["--speed", "600"]);
    until("six tasks run", || first_target(&controller)["counts"]["running"].as_u64() >= Some(6));
    assert_eq!((controller.condition("Ready"), controller.condition("Held")), ("True".to_owned(), "True".to_owned()));
}

#[test]
fn every_exact_target_exists_and_two_services_for_each_glob_also_after_an_edit() {
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/api-*"], 2));
    let (controller, _) = simulate(&folder, &["--speed", "60"]);
    let names = || {
        let status = controller.status();
        let targets = status["targets"].as_array().expect("the status has targets");
        let names = targets.iter().filter(|target| target["observed"]["min"] == 2);
        names.map(|target| target["service"].as_str().expect("a service has a name").to_owned()).collect::<Vec<_>>()
    };
    until("all three have their floor", || names() == ["api-one", "api-two", "www"]);
    folder.write("more.yaml", schedule("more", &["shop/new"], "  default: { min: 2 }\n"));
    until("the new one has its floor", || names() == ["api-one", "api-two", "new", "www"]);
}

#[test]
fn a_rival_with_an_aws_client_of_its_own_is_corrected() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let (controller, endpoint) = simulate(&folder, &["--speed", "600"]);
    until("the floor is there", || first_target(&controller)["observed"]["min"] == 3);
    boto3(
        &endpoint,
        "scaling.register_scalable_target(ServiceNamespace='ecs', ResourceId='service/shop/www',
            ScalableDimension='ecs:service:DesiredCount', MinCapacity=9)",
    );
    until("the correction is counted", || first_target(&controller)["corrections"].as_u64() >= Some(1));
    let min = boto3(
        &endpoint,
        "print(scaling.describe_scalable_targets(ServiceNamespace='ecs')['ScalableTargets'][0]['MinCapacity'])",
    );
    assert_eq!(min.trim(), "3");
}

/// What moto lacks at its start and the simulated ECS has: the service of the schedule.
const PREPARE: &str = "
ecs.create_cluster(clusterName='shop')
ecs.register_task_definition(family='task', containerDefinitions=[dict(name='c', image='i', memory=64)])
ecs.create_service(cluster='shop', serviceName='www', taskDefinition='task', desiredCount=2)
scaling.register_scalable_target(ServiceNamespace='ecs', ResourceId='service/shop/www',
    ScalableDimension='ecs:service:DesiredCount', MinCapacity=1, MaxCapacity=20)
";

/// The same calls for both, where moto does as AWS does; each line of output is one answer, or the code of a refusal.
const CALLS: &str = "
import json
from botocore.exceptions import ClientError
WWW = dict(ServiceNamespace='ecs', ResourceId='service/shop/www', ScalableDimension='ecs:service:DesiredCount')
NOWHERE = dict(WWW, ResourceId='service/shop/nowhere')
def show(call, read, **arguments):
    try:
        print(json.dumps(read(call(**arguments)), sort_keys=True))
    except ClientError as error:
        print(error.response['Error']['Code'])
def targets(answer):
    return [(t['ResourceId'], t['ScalableDimension'], t['MinCapacity'], t['MaxCapacity']) for t in answer['ScalableTargets']]
def services(answer):
    found = [(s['serviceName'], s['status'], s['desiredCount']) for s in answer['services']]
    return found, [(f['arn'].split('/')[-1], f['reason']) for f in answer['failures']]
def actions(answer):
    return [(a['ScheduledActionName'], a['Schedule'], a['ScalableTargetAction'].get('MinCapacity')) for a in answer['ScheduledActions']]
def nothing(answer):
    return sorted(key for key in answer if key != 'ResponseMetadata' and 'ARN' not in key)
show(scaling.describe_scalable_targets, targets, ServiceNamespace='ecs')
show(scaling.register_scalable_target, nothing, **WWW, MinCapacity=2)
show(scaling.describe_scalable_targets, targets, ServiceNamespace='ecs', ResourceIds=[WWW['ResourceId'], NOWHERE['ResourceId']])
show(scaling.register_scalable_target, nothing, **WWW, MinCapacity=0, MaxCapacity=5)
show(scaling.describe_scalable_targets, targets, ServiceNamespace='ecs', ResourceIds=[WWW['ResourceId']],
    ScalableDimension='ecs:service:DesiredCount')
show(scaling.register_scalable_target, nothing, **NOWHERE, MinCapacity=1, MaxCapacity=2)
show(scaling.describe_scalable_targets, targets, ServiceNamespace='ecs', ResourceIds=[NOWHERE['ResourceId']])
show(ecs.describe_services, services, cluster='shop', services=['www', 'nowhere'])
show(ecs.describe_services, services, cluster='nowhere', services=['www'])
show(scaling.put_scheduled_action, nothing, **WWW, ScheduledActionName='night', Schedule='cron(0 20 * * ? *)',
    ScalableTargetAction=dict(MinCapacity=0))
show(scaling.describe_scheduled_actions, actions, ServiceNamespace='ecs')
show(scaling.delete_scheduled_action, nothing, ServiceNamespace='ecs', ScheduledActionName='night',
    ResourceId=WWW['ResourceId'], ScalableDimension=WWW['ScalableDimension'])
show(scaling.describe_scheduled_actions, actions, ServiceNamespace='ecs')
show(ecs.list_services, lambda answer: [arn.split('/')[-1] for arn in answer['serviceArns']], cluster='shop')
show(scaling.deregister_scalable_target, nothing, **WWW)
show(scaling.describe_scalable_targets, targets, ServiceNamespace='ecs')
";

#[test]
fn where_moto_is_faithful_the_simulated_ecs_answers_as_it_does() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let (_controller, endpoint) = simulate(&folder, &["--dry-run"]);
    MOTO.python(PREPARE);
    let of_moto = MOTO.python(CALLS);
    let of_simulator = boto3(&endpoint, CALLS);
    assert_eq!(of_simulator, of_moto);
    assert_eq!(of_moto.lines().count(), 16, "{of_moto}");
}
