"""Whether deploy/ and charts/ say the same thing, and no more than the binary needs.

The actions that the binary needs stand in docs/reference/iam.md, which a test of the binary holds equal to its code.
Terraform's own evaluation, and Helm itself, are not needed: the module is read as HCL, and the chart is rendered with
Helm's engine by helm/render.go.
"""

import ast
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import botocore.session
import botocore.validate
import hcl2
import jsonschema
import yaml

ROOT = pathlib.Path(__file__).parents[2]
TERRAFORM = ROOT / "deploy/terraform"
CHART = ROOT / "charts/baseload"
RENDER = ROOT / "target/deploy/helm-render"

# What Terraform calls by another name than CloudFormation.
SAME = {
    "${local.region}": "${AWS::Region}",
    "${local.partition}": "${AWS::Partition}",
    "${local.account}": "${AWS::AccountId}",
    "${local.bucket}": "${ScheduleBucket}",
    "${local.services_of_clusters}": "${ManagedServices}",
    "${tostring(var.dry_run)}": "${DryRun}",
    "${aws_cloudwatch_log_group.this.arn}:*": "${LogGroup.Arn}",
    "${aws_cloudwatch_log_group.this.name}": "${LogGroup}",
    "${var.name}": "${ServiceName}",
    "${local.account_list}": "${Accounts}",
    "${local.account_roles}": "${AccountRoles}",
    # Terraform says once what is there only with a token.
    "${[for arn in compact(['${var.git_token_secret_arn}']) : {'name': 'BASELOAD_GIT_TOKEN', 'valueFrom': '${arn}'}]}": [
        {"name": "BASELOAD_GIT_TOKEN", "valueFrom": "${GitTokenSecretArn}"}
    ],
}


def pascal(name):
    return "".join(part.capitalize() for part in name.split("_"))


def common(value):
    """A value of Terraform in CloudFormation's words."""
    if isinstance(value, dict):
        return {key: common(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [common(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if value in SAME:
        return SAME[value]
    for theirs, ours in SAME.items():
        if isinstance(ours, str):
            value = value.replace(theirs, ours)
    return re.sub(r"\$\{var\.([a-z_0-9]+)}", lambda match: "${" + pascal(match[1]) + "}", value)


class Template(yaml.SafeLoader):
    """Reads a template as if every condition held."""


def intrinsic(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return value if tag == "Sub" else "${" + value + "}"
    value = loader.construct_sequence(node, deep=True)
    return value[1] if tag == "If" else {tag: value}


Template.add_multi_constructor("!", intrinsic)


def lower(value):
    """The keys of a container definition as the API has them. Labels and options of a log driver stay as they are."""
    if isinstance(value, dict):
        camel = lambda key: key[0].lower() + key[1:] if re.match("[A-Z][a-z]", key) else key
        return {camel(key): lower(inner) for key, inner in value.items()}
    return [lower(inner) for inner in value] if isinstance(value, list) else value


def local_values(file):
    with open(TERRAFORM / file) as source:
        (block,) = hcl2.load(source)["locals"]
    return {name: value[0] for name, value in block.items() if isinstance(value, list)}


def resource(kind):
    with open(TERRAFORM / "main.tf") as source:
        found = [block[kind]["this"] for block in hcl2.load(source)["resource"] if kind in block]
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in found[0].items()}


def template(name="baseload"):
    return yaml.load((ROOT / f"deploy/cloudformation/{name}.yaml").read_text(), Template)


def statements(role, of="baseload"):
    return template(of)["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]


def documented_actions():
    """From the tables of the reference: each action with the word that says when it is needed."""
    page = (ROOT / "docs/reference/iam.md").read_text()
    return dict(re.findall(r"^\| `([a-z0-9-]+:[A-Za-z]+)` \| ([a-z0-9]+) \|", page, re.MULTILINE))


class Policies(unittest.TestCase):
    def test_both_task_roles_may_do_what_the_reference_says_and_nothing_else(self):
        iam = local_values("iam.tf")
        granted = iam["look"] + iam["write"] + iam["schedules_from_s3"] + iam["act_in_accounts"]
        granted += iam["hold_lease"] + iam["send_metrics"]
        self.assertEqual(common(granted), statements("TaskRole"))
        actions = [action for statement in granted for action in statement["Action"]]
        self.assertEqual(sorted(actions), sorted(documented_actions()))

    def test_each_part_grants_what_its_word_in_the_reference_says(self):
        iam, documented = local_values("iam.tf"), documented_actions()
        words = {"look": "look", "write": "write", "schedules_from_s3": "s3", "act_in_accounts": "accounts"}
        words |= {"hold_lease": "lease", "send_metrics": "collector"}
        for name, word in words.items():
            granted = {action for statement in iam[name] for action in statement["Action"]}
            self.assertEqual(granted, {action for action, when in documented.items() if when == word}, name)

    def test_both_execution_roles_may_do_the_same(self):
        iam = local_values("iam.tf")
        self.assertEqual(common(iam["start"] + iam["pull"] + iam["read_token"]), statements("ExecutionRole"))

    def test_the_role_in_another_account_may_do_the_same_there(self):
        ours, theirs = local_values("iam.tf"), local_values("account/main.tf")
        self.assertEqual(common(theirs["look"] + theirs["write"]), statements("Role", "account"))
        for name in ["look", "write"]:
            plain = lambda granted: [(one["Sid"], one["Action"]) for one in granted]
            self.assertEqual(plain(theirs[name]), plain(ours[name]))
        (here,), (there,) = ([s for s in one["write"] if s["Sid"] == "SetBounds"] for one in [ours, theirs])
        here, there = here["Condition"]["StringEquals"], there["Condition"]["StringEquals"]
        self.assertEqual(there, here | {"aws:RequestedRegion": "${var.regions}"})

    def test_the_role_in_another_account_trusts_the_controller_s_role_alone(self):
        ours = common(local_values("account/main.tf")["assumed_by_the_controller"])
        theirs = template("account")["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]
        account = theirs["Statement"][0]["Principal"].pop("AWS")
        self.assertEqual(ours["Statement"][0]["Principal"].pop("AWS"), "arn:${AWS::Partition}:iam::${local.controller_account}:root")
        self.assertEqual(account["Sub"][0], "arn:${AWS::Partition}:iam::${Account}:root")
        self.assertEqual(ours, theirs)
        self.assertEqual(ours["Statement"][0]["Condition"], {"ArnEquals": {"aws:PrincipalArn": "${ControllerRoleArn}"}})

    def test_only_what_knows_no_resource_is_granted_on_all(self):
        unscoped = {a for s in statements("TaskRole") if s["Resource"] == "*" for a in s["Action"]}
        allowed = re.compile("application-autoscaling:Describe|cloudwatch:")
        self.assertEqual([action for action in unscoped if not allowed.match(action)], [])


class Task(unittest.TestCase):
    def containers(self):
        return template()["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    def test_both_run_the_same_container(self):
        values = local_values("main.tf")
        ours = common(values["container"])
        ours["environment"] += common(values["account_environment"]) + common(values["lease_environment"])
        self.assertEqual(ours, lower(self.containers()[0]))

    def test_both_run_the_same_collector(self):
        values = local_values("main.tf")
        ours, theirs = common(values["collector"]), lower(self.containers()[1])
        config = ast.literal_eval(values["collector_config"].removeprefix("${yamlencode(").removesuffix(")}"))
        (variable,) = theirs.pop("environment")
        self.assertEqual(common(config), yaml.safe_load(variable["value"]))
        del ours["environment"]
        self.assertEqual(ours, theirs)

    def test_the_api_knows_every_setting_of_the_containers(self):
        operation = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
        task = {"family": "baseload", "containerDefinitions": lower(self.containers())}
        report = botocore.validate.ParamValidator().validate(task, operation.input_shape)
        self.assertFalse(report.has_errors(), report.generate_report())

    def test_both_tasks_have_the_same_size_and_shape(self):
        ours, theirs = resource("aws_ecs_task_definition"), template()["Resources"]["TaskDefinition"]["Properties"]
        for name in ["family", "cpu", "memory", "network_mode", "requires_compatibilities"]:
            value = ours[name] if name != "requires_compatibilities" else [ours[name]]
            value = value if not isinstance(value[0], list) else value[0]
            self.assertEqual(common(value), theirs[pascal(name)], name)
        self.assertEqual(theirs["RuntimePlatform"], {"CpuArchitecture": "${Architecture}", "OperatingSystemFamily": "LINUX"})

    def test_both_services_have_one_task_or_two_with_a_lease_and_overlap_while_they_are_replaced(self):
        ours, theirs = resource("aws_ecs_service"), template()["Resources"]["Service"]["Properties"]
        deployment = theirs["DeploymentConfiguration"]
        self.assertIn("? 1 : 2", ours["desired_count"])
        self.assertEqual(theirs["DesiredCount"], 2)  # as if every condition held
        self.assertEqual(ours["deployment_minimum_healthy_percent"], deployment["MinimumHealthyPercent"])
        self.assertEqual(ours["deployment_maximum_percent"], deployment["MaximumPercent"])

    def test_both_tables_have_the_key_that_the_binary_uses(self):
        ours, theirs = resource("aws_dynamodb_table"), template()["Resources"]["Lease"]["Properties"]
        self.assertEqual(theirs["KeySchema"], [{"AttributeName": ours["hash_key"], "KeyType": "HASH"}])
        self.assertEqual((ours["billing_mode"], theirs["BillingMode"]), ("PAY_PER_REQUEST", "PAY_PER_REQUEST"))
        self.assertIn(f'const KEY: &str = "{ours["hash_key"]}"', (ROOT / "src/lease/table.rs").read_text())

    def test_the_stop_timeout_leaves_time_for_writes_that_are_under_way(self):
        self.assertGreater(local_values("main.tf")["container"]["stopTimeout"], 10)


class Terraform(unittest.TestCase):
    def test_its_page_lists_every_input_and_output(self):
        for folder in ["", "account"]:
            page = (TERRAFORM / folder / "README.md").read_text()
            for file, block in [("variables.tf", "variable"), ("outputs.tf", "output")]:
                with open(TERRAFORM / folder / file) as source:
                    declared = [next(iter(entry)) for entry in hcl2.load(source)[block]]
                section = page.split(f"## {block.capitalize()}s\n")[1].split("\n## ")[0]
                self.assertEqual(re.findall(r"^\| `(\w+)`", section, re.MULTILINE), declared)

    def test_its_pure_part_evaluates(self):
        """With Terraform itself, where it is there: it needs no provider for what is no resource."""
        if shutil.which("terraform") is None:
            print("terraform is not here: its expressions were read, not evaluated")
            return
        with tempfile.TemporaryDirectory() as folder:
            pure = "\n".join(self.locals_of(file) for file in ["main.tf", "iam.tf"])
            (pathlib.Path(folder) / "pure.tf").write_text((TERRAFORM / "variables.tf").read_text() + pure + OUTPUTS)
            (pathlib.Path(folder) / "terraform.tfvars").write_text(INPUTS)
            run = lambda *args: subprocess.run(["terraform", *args], cwd=folder, check=True, capture_output=True, text=True)
            run("init", "-backend=false")
            run("apply", "-auto-approve")
            values = json.loads(run("output", "-json").stdout)
        containers = json.loads(values["containers"]["value"])
        self.assertEqual([container["name"] for container in containers], ["baseload", "collector"])
        environment = {one["name"]: one["value"] for one in containers[0]["environment"]}
        self.assertEqual(environment["BASELOAD_ACCOUNT"], "home=own,prod=arn:aws:iam::210987654321:role/baseload")
        policy = json.loads(values["task"]["value"])
        self.assertEqual(len(policy), len(statements("TaskRole")))
        self.assertIn("arn:aws:ecs:eu-west-1:123456789012:service/shop/*", policy[1]["Resource"])
        roles = [statement["Resource"] for statement in policy if statement["Sid"] == "ActInAccounts"]
        self.assertEqual(roles, [["arn:aws:iam::210987654321:role/baseload"]])

    def locals_of(self, file):
        text = re.search(r"^locals {\n.*?^}\n", (TERRAFORM / file).read_text(), re.MULTILINE | re.DOTALL)[0]
        stand_ins = {
            "data.aws_caller_identity.this.account_id": '"123456789012"',
            "data.aws_partition.this.partition": '"aws"',
            "data.aws_region.this.name": '"eu-west-1"',
            "aws_cloudwatch_log_group.this.name": '"/ecs/baseload"',
            "aws_cloudwatch_log_group.this.arn": '"arn:aws:logs"',
        }
        for expression, value in stand_ins.items():
            text = text.replace(expression, value)
        return text


INPUTS = """
image                       = "registry.example.com/baseload:0.1.0"
cluster_arn                 = "arn:aws:ecs:eu-west-1:123456789012:cluster/tools"
managed_clusters            = ["shop", "development"]
schedules                   = "s3://floors/schedules"
vpc_id                      = "vpc-1"
subnet_ids                  = ["subnet-1"]
collector_image             = "registry.example.com/collector:1"
prometheus_workspace_arn    = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-1"
prometheus_remote_write_url = "https://aps.example.com/api/v1/remote_write"
lease_table                 = "baseload-lease"
accounts                    = { home = "own", prod = "arn:aws:iam::210987654321:role/baseload" }
"""

OUTPUTS = """
output "containers" { value = jsonencode(local.containers) }
output "task" { value = jsonencode([for statement in local.task_statements : jsondecode(statement)]) }
output "execution" { value = jsonencode([for statement in local.execution_statements : jsondecode(statement)]) }
"""


def blocks(page, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def given(modules, name):
    """The inputs of a module's calls, by file or block."""
    return [set(call[name]) - {"source", "__start_line__", "__end_line__"} for call in modules if name in call]


class Pages(unittest.TestCase):
    """What the how-to pages show is what the templates take."""

    def test_every_call_of_the_module_gives_what_it_must_and_nothing_unknown(self):
        with open(TERRAFORM / "variables.tf") as source:
            variables = {name: block for entry in hcl2.load(source)["variable"] for name, block in entry.items()}
        required = {name for name, block in variables.items() if "default" not in block}
        calls = [hcl2.loads(block) for block in blocks("deploy/terraform/README.md", "hcl")]
        calls += [hcl2.loads(file.read_text()) for file in TERRAFORM.glob("examples/*/main.tf")]
        inputs = [one for call in calls for one in given(call.get("module", []), "baseload")]
        self.assertEqual(len(inputs), 4)
        for one in inputs:
            self.assertLessEqual(required, one)
            self.assertLessEqual(one, set(variables))

    def test_every_call_of_the_sub_module_gives_what_it_must_and_nothing_unknown(self):
        variables = hcl2.loads((TERRAFORM / "account/variables.tf").read_text())["variable"]
        required = {name for entry in variables for name, block in entry.items() if "default" not in block}
        calls = [hcl2.loads(block) for block in blocks("deploy/terraform/account/README.md", "hcl")]
        calls += [hcl2.loads((TERRAFORM / "examples/accounts/main.tf").read_text())]
        inputs = [one for call in calls for one in given(call["module"], "baseload_role")]
        self.assertEqual(len(inputs), 2)
        for one in inputs:
            self.assertLessEqual(required, one)
            self.assertLessEqual(one, {name for entry in variables for name in entry})

    def test_the_stack_on_the_page_has_all_parameters_without_a_default(self):
        command = next(block for block in blocks("docs/how-to/run-on-ecs.md", "sh") if "cloudformation deploy" in block)
        named = set(re.findall(r"\b([A-Z]\w+)=", command.split("--parameter-overrides")[1]))
        parameters = template()["Parameters"]
        self.assertLessEqual({name for name, about in parameters.items() if "Default" not in about}, named)
        self.assertLessEqual(named, set(parameters))

    def test_the_target_on_the_page_is_the_example_s(self):
        (shown,) = blocks("docs/how-to/run-on-ecs.md", "hcl")
        (target,) = hcl2.loads(shown)["resource"]
        example = hcl2.loads((TERRAFORM / "examples/services/main.tf").read_text())["resource"][0]
        plain = lambda block: {k: v for k, v in block["aws_appautoscaling_target"]["www"].items() if not k.startswith("__")}
        self.assertEqual(plain(target), plain(example))

    def test_the_values_on_the_page_fit_the_chart(self):
        values, *more = (yaml.safe_load(block) for block in blocks("docs/how-to/run-on-eks.md", "yaml"))
        for one in more:
            values |= one
        jsonschema.validate(values, json.loads((CHART / "values.schema.json").read_text()))

    def test_the_commands_on_the_page_name_what_the_chart_makes(self):
        (commands,) = blocks("docs/how-to/run-on-eks.md", "sh")
        made = rendered(CHART / "ci/git-values.yaml")
        for kind in ["deployment", "service"]:
            (named,) = re.findall(rf"\b{kind}/(\S+)", commands)
            self.assertEqual(yaml.safe_load(made[f"{kind}.yaml"])["metadata"]["name"], named)

    def test_the_lease_on_the_page_is_the_module_s(self):
        (shown,) = blocks("docs/how-to/run-on-eks.md", "hcl")
        page, own = hcl2.loads(shown), resource("aws_dynamodb_table")
        table = page["resource"][0]["aws_dynamodb_table"]["lease"]
        self.assertEqual([table[name] for name in ["hash_key", "billing_mode"]], [[own["hash_key"]], [own["billing_mode"]]])
        (statement,) = page["data"][0]["aws_iam_policy_document"]["lease"]["statement"]
        self.assertEqual(statement["actions"], [one["Action"] for one in local_values("iam.tf")["hold_lease"]])

    def test_the_policies_on_the_page_of_several_accounts_are_the_templates(self):
        trust, permissions, statement = map(json.loads, blocks("docs/how-to/several-accounts.md", "json"))
        services = [f"arn:aws:ecs:{region}:210987654321:service/shop/*" for region in ["eu-west-1", "us-east-1"]]
        own = json.dumps(template("account")["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"])
        for name, value in [("ManagedServices", services), ("Regions", ["eu-west-1", "us-east-1"])]:
            own = own.replace(f'"${{{name}}}"', json.dumps(value))
        own = own.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "210987654321")
        self.assertEqual(permissions, json.loads(own))
        (granted,) = (one for one in statements("TaskRole") if one["Sid"] == "ActInAccounts")
        self.assertEqual(statement, granted | {"Resource": ["arn:aws:iam::210987654321:role/baseload"]})
        (trusted,) = trust["Statement"]
        self.assertEqual(trusted["Principal"], {"AWS": "arn:aws:iam::123456789012:root"})
        role = "arn:aws:iam::123456789012:role/baseload-task"
        self.assertEqual(trusted["Condition"], {"ArnEquals": {"aws:PrincipalArn": role}})

    def test_the_stack_set_on_the_page_has_all_parameters_without_a_default(self):
        command = next(block for block in blocks("docs/how-to/several-accounts.md", "sh") if "create-stack-set" in block)
        named, parameters = set(re.findall(r"ParameterKey=(\w+)", command)), template("account")["Parameters"]
        self.assertLessEqual({name for name, about in parameters.items() if "Default" not in about}, named)
        self.assertLessEqual(named, set(parameters))

    def test_scripts_on_pages_are_as_clean_as_those_in_files(self):
        pages = [page for folder in ["docs", "deploy"] for page in (ROOT / folder).rglob("*.md")] + [*ROOT.glob("*.md")]
        scripts = [script for page in pages for script in blocks(page, "sh")]
        self.assertGreater(len(scripts), 25)
        for script in scripts:
            judge = ["shellcheck", "--shell=bash", "--exclude=SC2211,SC2034", "-"]
            done = subprocess.run(judge, input=script, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)


def rendered(values):
    output = subprocess.run([RENDER, CHART, values], check=True, capture_output=True, text=True).stdout
    return json.loads(output)


class Chart(unittest.TestCase):
    VALUES = sorted((CHART / "ci").glob("*-values.yaml"))

    def documents(self, values):
        texts = {name: text for name, text in rendered(values).items() if name.endswith(".yaml")}
        return {name: document for name, text in texts.items() if (document := yaml.safe_load(text)) is not None}

    def test_every_set_of_values_fits_the_schema_and_renders_to_valid_manifests(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        for values in self.VALUES:
            jsonschema.validate(yaml.safe_load(values.read_text()), schema)
            documents = self.documents(values)
            self.assertIn("deployment.yaml", documents)
            known = [d for d in documents.values() if "monitoring.coreos.com" not in d["apiVersion"]]
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write("---\n".join(yaml.safe_dump(document) for document in known))
                file.flush()
                validate = [shutil.which("kubernetes-validate"), "--strict", file.name]
                done = subprocess.run(validate, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{values.name}: {done.stdout}{done.stderr}")

    def test_the_chart_s_own_values_lack_only_what_has_no_default(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        errors = jsonschema.Draft7Validator(schema).iter_errors(yaml.safe_load((CHART / "values.yaml").read_text()))
        self.assertEqual(sorted("/".join(error.path) for error in errors), ["aws/region", "image/repository"])

    def test_every_value_is_in_the_schema(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        self.assertEqual(set(schema["properties"]) - {"global"}, set(yaml.safe_load((CHART / "values.yaml").read_text())))

    def test_the_pod_is_hardened_whatever_the_values(self):
        for values in self.VALUES:
            pod = self.documents(values)["deployment.yaml"]["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            security = container["securityContext"]
            self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
            self.assertTrue(security["readOnlyRootFilesystem"] and pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertFalse(security["allowPrivilegeEscalation"] or pod["automountServiceAccountToken"])

    def test_a_lease_brings_a_second_replica_that_stands_by(self):
        alone, pair = (self.documents(CHART / f"ci/{name}-values.yaml") for name in ["files", "git"])
        self.assertEqual((alone["deployment.yaml"]["spec"]["replicas"], pair["deployment.yaml"]["spec"]["replicas"]), (1, 2))
        self.assertNotIn("poddisruptionbudget.yaml", alone)
        selector = pair["poddisruptionbudget.yaml"]["spec"]["selector"]["matchLabels"]
        pod = pair["deployment.yaml"]["spec"]["template"]
        self.assertLessEqual(selector.items(), pod["metadata"]["labels"].items())
        variables = [variable for variable in pod["spec"]["containers"][0]["env"] if variable["name"] == "BASELOAD_LEASE"]
        self.assertEqual(variables, [{"name": "BASELOAD_LEASE", "value": "dynamodb://baseload-lease/tools/floors-baseload"}])

    def test_accounts_are_named_as_the_binary_takes_them(self):
        for name, expected in [("git", "home=own,prod=arn:aws:iam::210987654321:role/baseload"), ("files", None)]:
            pod = self.documents(CHART / f"ci/{name}-values.yaml")["deployment.yaml"]["spec"]["template"]["spec"]
            variables = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}
            self.assertEqual(variables.get("BASELOAD_ACCOUNT"), expected)

    def test_sources_that_are_not_exactly_one_are_refused(self):
        for schedules in ["{}", "{ source: 's3://b/p', existingConfigMap: floors }"]:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(f"image: {{ repository: x }}\naws: {{ region: eu-west-1 }}\nschedules: {schedules}\n")
                file.flush()
                done = subprocess.run([RENDER, CHART, file.name], capture_output=True, text=True)
            self.assertIn("name one of source, files and existingConfigMap", done.stderr)

    def test_rules_and_dashboards_are_passed_on_as_they_are(self):
        documents = self.documents(CHART / "ci/git-values.yaml")
        files = sorted((CHART / "rules").glob("*.yaml"))
        groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
        self.assertEqual(documents["prometheusrule.yaml"]["spec"]["groups"] or [], groups)
        dashboards = {file.name: file.read_text() for file in (CHART / "dashboards").glob("*.json")}
        self.assertEqual(documents["dashboards.yaml"]["data"] or {}, dashboards)


if __name__ == "__main__":
    unittest.main()
