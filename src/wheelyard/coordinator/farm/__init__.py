"""The services of a farm of many machines: requests, dispatch, leases, results, health, notices."""
