"""Puts every mend in place: importing one of these modules patches moto."""


def apply():
    import mend_ec2  # noqa: F401
    import mend_ecs  # noqa: F401
    import mend_elbv2  # noqa: F401
    import mend_monitoring  # noqa: F401
    import mend_rds  # noqa: F401
    import mend_rds_groups  # noqa: F401
    import mend_scaling  # noqa: F401
    import mend_storage  # noqa: F401
    import tagging  # noqa: F401
