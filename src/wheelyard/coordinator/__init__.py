"""Plans requests, hands out jobs and takes results in."""
