"""Parameter Store of Systems Manager."""

import time

from moto.ssm.exceptions import ParameterAlreadyExists
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.models import sts_backends

from patching import notes_of, replace

# The longest value of a standard parameter, in characters.
STANDARD_LENGTH = 4096


# Seconds for which a name is not free again.
DELETED_FOR = 30


@replace(SimpleSystemManagerBackend, "delete_parameter")
def delete_parameter(original, self, name):
    """AWS: "After deleting a parameter, wait for at least 30 seconds to create a parameter with the same name."

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
    The effect of a shorter wait is not documented. Here a creation finds the name still taken, which no caller can overlook;
    a put that may overwrite makes the parameter.
    """
    answer = original(self, name)
    notes_of(self, "deleted")[name] = time.monotonic()
    return answer


@replace(SimpleSystemManagerBackend, "put_parameter")
def not_deleted_just_now(original, self, name, description, value, kind, pattern, key, overwrite, *arguments, **named):
    if not overwrite and time.monotonic() - notes_of(self, "deleted").get(name, -DELETED_FOR) < DELETED_FOR:
        raise ParameterAlreadyExists
    return original(self, name, description, value, kind, pattern, key, overwrite, *arguments, **named)


@replace(SimpleSystemManagerBackend, "put_parameter")
def put_parameter(original, self, name, description, value, parameter_type, *arguments, **named):
    """moto makes a parameter without a type if it may overwrite one, and takes any length.

    "You must specify a parameter type when creating a parameter."
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    """
    # Looking a name up in moto's dictionary would put it there.
    if not parameter_type and not (name in self._parameters and self._parameters[name]):
        raise ValidationException("A parameter type is required when you create a parameter.")
    if len(value or "") > STANDARD_LENGTH and named.get("tier") in (None, "Standard"):
        raise ValidationException(
            f"Standard tier parameters support a maximum parameter value of {STANDARD_LENGTH} characters. To create a "
            "larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )
    return original(self, name, description, value, parameter_type, *arguments, **named)


@replace(SimpleSystemManagerResponse, "put_parameter")
def put_parameter_by(original, self):
    """AWS keeps the writer of each version: `LastModifiedUser`, an ARN. moto answers `N/A`.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterHistory.html
    """
    answer = original(self)
    sts = sts_backends[self.current_account]["global"]
    _, arn, _ = sts.get_caller_identity(self.get_access_key(), self.region)
    self.ssm_backend._parameters[self._get_param("Name")][-1].written_by = arn
    return answer


@replace(Parameter, "describe_response_object")
def describe_response_object(original, self, *arguments, **named):
    return original(self, *arguments, **named) | {"LastModifiedUser": getattr(self, "written_by", "N/A")}
