# What every team does whose services Baseload looks after: Terraform registers the target and lets go of its minimum.
# Without `ignore_changes` every apply would put it back, and Baseload would correct it, again and again.

resource "aws_appautoscaling_target" "www" {
  service_namespace  = "ecs"
  resource_id        = "service/shop/www"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 1 # where it begins; the schedules say what it is
  max_capacity       = 20

  lifecycle {
    ignore_changes = [min_capacity] # and max_capacity, where a schedule declares `max`
  }
}

# Baseload sets the floor; this is what scales above it, and back down to it.
resource "aws_appautoscaling_policy" "www" {
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.www.service_namespace
  resource_id        = aws_appautoscaling_target.www.resource_id
  scalable_dimension = aws_appautoscaling_target.www.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
