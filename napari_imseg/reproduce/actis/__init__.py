"""The comparison of the ACTIS paper."""
