"""Parameter Store of Systems Manager."""

from moto.ssm.exceptions import ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.models import sts_backends

from mending import replace

# The longest value of a standard parameter, in characters.
STANDARD_LENGTH = 4096


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
    """AWS keeps who made each version: `LastModifiedUser`, an ARN. moto answers `N/A`.

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
