"""The comparison of the Inconsistency Masks paper."""
