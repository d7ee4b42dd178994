# The port is for whoever scrapes, and for nobody else; the way out is HTTPS.

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  description = "Baseload: metrics for the scraper, HTTPS to AWS and to the schedules"
  vpc_id      = var.vpc_id
  tags        = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "scraper" {
  for_each = toset(compact([var.scraper_security_group_id]))

  security_group_id            = aws_security_group.this.id
  description                  = "Status page and metrics"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "AWS APIs, git, S3"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_service_discovery_service" "this" {
  for_each = toset(compact([var.cloud_map_namespace_id]))

  name = var.name
  tags = var.tags

  dns_config {
    namespace_id   = each.value
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 15
    }
  }
}
