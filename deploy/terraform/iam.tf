# What Baseload may do, and nothing more. The same statements stand in ../cloudformation/baseload.yaml; a check holds both
# against the operations that the binary can call.

locals {
  services_of_clusters = [
    for cluster in var.managed_clusters : "arn:${local.partition}:ecs:${local.region}:${local.account}:service/${cluster}/*"
  ]

  bucket = startswith(var.schedules, "s3://") ? split("/", trimprefix(var.schedules, "s3://"))[0] : ""

  # To look needs no more than this; none of Application Auto Scaling's Describe actions knows resources or conditions.
  look = [
    {
      Sid    = "LookAtBounds"
      Effect = "Allow"
      Action = [
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
      ]
      Resource = "*"
    },
    {
      Sid      = "LookAtServices"
      Effect   = "Allow"
      Action   = ["ecs:DescribeServices"]
      Resource = local.services_of_clusters
    },
  ]

  # Application Auto Scaling tries the last two in its caller's name before it registers anything. A scalable target's
  # ARN does not say which service it is for: the services are what scopes a write.
  write = [
    {
      Sid      = "SetBounds"
      Effect   = "Allow"
      Action   = ["application-autoscaling:RegisterScalableTarget"]
      Resource = "arn:${local.partition}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"
      Condition = {
        StringEquals = {
          "application-autoscaling:service-namespace"  = "ecs"
          "application-autoscaling:scalable-dimension" = "ecs:service:DesiredCount"
        }
      }
    },
    {
      Sid      = "LetBoundsBeEnforced"
      Effect   = "Allow"
      Action   = ["ecs:UpdateService"]
      Resource = local.services_of_clusters
    },
    {
      Sid      = "LetPoliciesBeKept"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"]
      Resource = "*"
    },
  ]

  schedules_from_s3 = [
    {
      Sid      = "ListSchedules"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = "arn:${local.partition}:s3:::${local.bucket}"
    },
    {
      Sid      = "ReadSchedules"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = "arn:${local.partition}:s3:::${local.bucket}/*"
    },
  ]

  account_list  = join(",", [for name, way in var.accounts : "${name}=${way}"])
  account_roles = [for way in values(var.accounts) : way if way != "own"]

  act_in_accounts = [
    {
      Sid      = "ActInAccounts"
      Effect   = "Allow"
      Action   = ["sts:AssumeRole"]
      Resource = local.account_roles
    },
  ]

  hold_lease = [
    {
      Sid      = "HoldLease"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
      Resource = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.lease_table}"
    },
  ]

  send_metrics = [
    {
      Sid      = "SendMetrics"
      Effect   = "Allow"
      Action   = ["aps:RemoteWrite"]
      Resource = var.prometheus_workspace_arn
    },
  ]

  # Through JSON, because the statements differ in type.
  task_statements = concat(
    [for statement in local.look : jsonencode(statement)],
    [for statement in local.write : jsonencode(statement) if !var.dry_run],
    [for statement in local.schedules_from_s3 : jsonencode(statement) if local.bucket != ""],
    [for statement in local.act_in_accounts : jsonencode(statement) if length(local.account_roles) > 0],
    [for statement in local.hold_lease : jsonencode(statement) if var.lease_table != ""],
    [for statement in local.send_metrics : jsonencode(statement) if local.with_collector],
  )

  start = [
    {
      Sid      = "WriteLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this.arn}:*"
    },
  ]

  pull = [
    {
      Sid      = "LogInToRegistry"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = "*"
    },
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = var.image_repository_arn
    },
  ]

  read_token = [
    {
      Sid      = "ReadToken"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
      Resource = var.git_token_secret_arn
    },
  ]

  execution_statements = concat(
    [for statement in local.start : jsonencode(statement)],
    [for statement in local.pull : jsonencode(statement) if var.image_repository_arn != ""],
    [for statement in local.read_token : jsonencode(statement) if var.git_token_secret_arn != ""],
  )

  assumed_by_tasks_of_this_account = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*" }
      }
    }]
  })
}

# What the process itself may do.
resource "aws_iam_role" "task" {
  name_prefix        = "${var.name}-task-"
  assume_role_policy = local.assumed_by_tasks_of_this_account
  tags               = var.tags
}

resource "aws_iam_role_policy" "task" {
  name   = "floors"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [for statement in local.task_statements : jsondecode(statement)] })
}

# What ECS may do to start it.
resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-start-"
  assume_role_policy = local.assumed_by_tasks_of_this_account
  tags               = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [for statement in local.execution_statements : jsondecode(statement)] })
}
