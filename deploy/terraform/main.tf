# One task of Baseload on Fargate, or two that take turns by a lease. Everything it may do is in iam.tf, everything it is in `local.container`.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.name

  container = {
    name                   = "baseload"
    image                  = var.image
    essential              = true
    command                = ["run"]
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    stopTimeout            = 15
    linuxParameters        = { capabilities = { add = [], drop = ["ALL"] } }
    portMappings           = [{ containerPort = 8080, protocol = "tcp" }]

    healthCheck = {
      command     = ["CMD", "/baseload", "healthcheck"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 10
    }

    environment = [
      { name = "BASELOAD_SCHEDULES", value = var.schedules },
      { name = "BASELOAD_DRY_RUN", value = tostring(var.dry_run) },
      { name = "BASELOAD_LOG_FORMAT", value = "json" },
      { name = "AWS_REGION", value = local.region },
      { name = "AWS_EC2_METADATA_DISABLED", value = "true" },
    ]

    secrets = [for arn in compact([var.git_token_secret_arn]) : { name = "BASELOAD_GIT_TOKEN", valueFrom = arn }]

    # How scrapers that read the labels of ECS tasks find it.
    dockerLabels = {
      ECS_PROMETHEUS_EXPORTER_PORT = "8080"
      ECS_PROMETHEUS_METRICS_PATH  = "/metrics"
      ECS_PROMETHEUS_JOB_NAME      = "baseload"
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = local.region
        awslogs-stream-prefix = "baseload"
        mode                  = "non-blocking"
        max-buffer-size       = "4m"
      }
    }
  }

  collector_config = yamlencode({
    receivers = {
      prometheus = {
        config = {
          scrape_configs = [{
            job_name        = "baseload"
            scrape_interval = "30s"
            static_configs  = [{ targets = ["127.0.0.1:8080"] }]
          }]
        }
      }
    }
    extensions = { sigv4auth = { region = local.region, service = "aps" } }
    exporters = {
      prometheusremotewrite = {
        endpoint = var.prometheus_remote_write_url
        auth     = { authenticator = "sigv4auth" }
      }
    }
    service = {
      extensions = ["sigv4auth"]
      pipelines  = { metrics = { receivers = ["prometheus"], exporters = ["prometheusremotewrite"] } }
    }
  })

  collector = {
    name                   = "collector"
    image                  = var.collector_image
    essential              = false
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { add = [], drop = ["ALL"] } }
    environment            = [{ name = "AOT_CONFIG_CONTENT", value = local.collector_config }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = local.region
        awslogs-stream-prefix = "collector"
        mode                  = "non-blocking"
        max-buffer-size       = "4m"
      }
    }
  }

  account_environment = [{ name = "BASELOAD_ACCOUNT", value = local.account_list }]
  lease_environment   = [{ name = "BASELOAD_LEASE", value = "dynamodb://${var.lease_table}/${var.name}" }]

  baseload = merge(local.container, {
    environment = concat(
      local.container.environment,
      [for one in local.account_environment : one if length(var.accounts) > 0],
      [for one in local.lease_environment : one if var.lease_table != ""],
    )
  })

  with_collector = var.collector_image != ""
  containers     = concat([local.baseload], [for collector in [local.collector] : collector if local.with_collector])
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: how long a log is kept is the owner's choice; floors and their causes are no audit trail
  # checkov:skip=CKV_AWS_158: a key of one's own is offered (log_kms_key_arn); the log holds no secrets
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn == "" ? null : var.log_kms_key_arn
  tags              = var.tags
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "256" # the least that Fargate has; Baseload needs a tenth of either
  memory                   = "512"
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode(local.containers)
  tags                     = var.tags

  runtime_platform {
    cpu_architecture        = var.architecture
    operating_system_family = "LINUX"
  }

  lifecycle {
    precondition {
      condition     = !local.with_collector || (var.prometheus_workspace_arn != "" && var.prometheus_remote_write_url != "")
      error_message = "A collector needs prometheus_workspace_arn and prometheus_remote_write_url."
    }
  }
}

resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_28: one item that is written anew every two seconds has nothing to be restored
  # checkov:skip=CKV_AWS_119: the item says which task holds the lease, which is no secret
  for_each = toset(compact([var.lease_table]))

  name         = each.value
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LeaseKey"
  tags         = var.tags

  attribute {
    name = "LeaseKey"
    type = "S"
  }
}

resource "aws_ecs_service" "this" {
  # checkov:skip=CKV_AWS_333: a public address is off unless a subnet without NAT asks for it; nothing is open to it
  name                    = var.name
  cluster                 = var.cluster_arn
  task_definition         = aws_ecs_task_definition.this.arn
  desired_count           = var.lease_table == "" ? 1 : 2
  launch_type             = "FARGATE"
  platform_version        = "LATEST"
  enable_ecs_managed_tags = true
  enable_execute_command  = false # the image has nothing to execute
  propagate_tags          = "SERVICE"
  tags                    = var.tags

  # While a new task takes over there are two of each: all declare the same floors.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.assign_public_ip
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this
    content {
      registry_arn = service_registries.value.arn
    }
  }

  # A task that starts before its roles may do anything would be called unhealthy.
  depends_on = [aws_iam_role_policy.task, aws_iam_role_policy.execution, aws_dynamodb_table.this]
}
