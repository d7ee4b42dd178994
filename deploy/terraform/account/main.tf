# The role by which Baseload, running elsewhere, keeps floors in this account: one for all of its regions. The statements are
# those of ../iam.tf; a check holds them equal, and equal to ../../cloudformation/account.yaml.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  services_of_clusters = flatten([
    for region in var.regions : [
      for cluster in var.managed_clusters : "arn:${local.partition}:ecs:${region}:${local.account}:service/${cluster}/*"
    ]
  ])

  controller_account = split(":", var.controller_role_arn)[4]

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

  write = [
    {
      Sid      = "SetBounds"
      Effect   = "Allow"
      Action   = ["application-autoscaling:RegisterScalableTarget"]
      Resource = "arn:${local.partition}:application-autoscaling:*:${local.account}:scalable-target/*"
      Condition = {
        StringEquals = {
          "application-autoscaling:service-namespace"  = "ecs"
          "application-autoscaling:scalable-dimension" = "ecs:service:DesiredCount"
          "aws:RequestedRegion"                        = var.regions
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

  # Through JSON, because the statements differ in type.
  statements = concat(
    [for statement in local.look : jsonencode(statement)],
    [for statement in local.write : jsonencode(statement) if !var.dry_run],
  )

  # By the role's ARN as a condition: a principal would be lost when that role is made anew.
  assumed_by_the_controller = {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:${local.partition}:iam::${local.controller_account}:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = var.controller_role_arn } }
    }]
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Baseload, running as ${var.controller_role_arn}, keeps floors of ECS services here"
  assume_role_policy   = jsonencode(local.assumed_by_the_controller)
  max_session_duration = 3600
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "floors"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [for statement in local.statements : jsondecode(statement)] })
}
