# One Baseload for three accounts: its own, and two whose roles it assumes. Their names are what schedules write.

variable "image" {
  description = "The image, by digest."
  type        = string
}

module "baseload" {
  source = "../.."

  image            = var.image
  cluster_arn      = "arn:aws:ecs:eu-west-1:123456789012:cluster/tools"
  managed_clusters = ["development"]
  schedules        = "s3://example-floors/schedules"

  accounts = {
    development = "own"
    prod        = "arn:aws:iam::210987654321:role/baseload"
    test        = "arn:aws:iam::321098765432:role/baseload"
  }

  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0123456789abcdef0"]
}

# In the account `prod`, by whoever manages it; likewise in `test`.
module "baseload_role" {
  source = "../../account"

  controller_role_arn = module.baseload.task_role_arn
  managed_clusters    = ["shop"]
  regions             = ["eu-west-1", "us-east-1"]
}
