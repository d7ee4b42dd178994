# The first week: it says what it would do, in its log, on its page and in its metrics, and could not do it if it wanted.

variable "image" {
  description = "The image, by digest."
  type        = string
}

module "baseload" {
  source = "../.."

  image            = var.image
  dry_run          = true
  cluster_arn      = "arn:aws:ecs:eu-west-1:123456789012:cluster/tools"
  managed_clusters = ["shop"]
  schedules        = "s3://example-floors/schedules"

  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0123456789abcdef0"]
}
