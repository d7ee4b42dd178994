output "role_arn" {
  description = "The role, for `accounts` of the module that runs Baseload."
  value       = aws_iam_role.this.arn
}
