output "service_name" {
  description = "The ECS service that runs Baseload."
  value       = aws_ecs_service.this.name
}

output "task_role_arn" {
  description = "The role that Baseload acts as; its writes stand under this name in CloudTrail."
  value       = aws_iam_role.task.arn
}

output "security_group_id" {
  description = "The security group of the task."
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Where the log is."
  value       = aws_cloudwatch_log_group.this.name
}
