# Schedules from a private repository; the token is in Secrets Manager, and nobody but ECS reads it from there.

variable "image" {
  description = "The image, by digest."
  type        = string
}

module "baseload" {
  source = "../.."

  image                = var.image
  cluster_arn          = "arn:aws:ecs:eu-west-1:123456789012:cluster/tools"
  managed_clusters     = ["shop", "development"]
  schedules            = "git+https://git.example.com/platform/floors.git?ref=main&path=schedules"
  git_token_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:baseload-git-token-AbCdEf"

  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  scraper_security_group_id = "sg-0123456789abcdef0"
}
