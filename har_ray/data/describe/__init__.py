"""What `har_ray.data describe` shows: numbers, text and figures of prepared windows."""
