"""Pages for lists that moto returns whole, of AWS's sizes, so that an account with much in it takes as many calls here."""

import base64

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse
from moto.elbv2.responses import ELBV2Response
from moto.iam.responses import IamResponse
from moto.rds.responses import RDSResponse

from patching import replace


def paged(response, operation, keys, size, token, following, usual, most):
    """Answers with the content of one page; the lists of an answer with several of them fill a page together.

    `size` and `token` are what a request has for the length of the page and for where it begins, `following` is what the answer
    has for where the next one does. Asked for by name, everything is on one page.
    """

    def patched(original, self):
        result = original(self)
        answer = result.result if isinstance(result, ActionResult) else result
        length = min(self._get_int_param(size) or usual, most)
        given = self._get_param(token)
        left = start = int(base64.urlsafe_b64decode(given)) if given else 0
        room = length
        whole = 0
        for key in keys:
            items = list(answer.get(key) or [])
            whole += len(items)
            answer[key] = items[left : left + room]
            left = max(0, left - len(items))
            room -= len(answer[key])
        if start + length < whole:
            answer[following] = base64.urlsafe_b64encode(str(start + length).encode()).decode()
            if "IsTruncated" in answer:
                answer["IsTruncated"] = True
        return result

    replace(response, operation)(patched)


# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html (`PageSize`: at most 400)
paged(ELBV2Response, "describe_target_groups", ["TargetGroups"], "PageSize", "Marker", "NextMarker", 400, 400)
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html (`MaxItems`: 100, at most 1000)
DETAILS = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"]
paged(IamResponse, "get_account_authorization_details", DETAILS, "MaxItems", "Marker", "Marker", 100, 1000)
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSubnetGroups.html (`MaxRecords`: 100, at most 100)
paged(RDSResponse, "describe_db_subnet_groups", ["DBSubnetGroups"], "MaxRecords", "Marker", "Marker", 100, 100)
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html (`maxResults`: 100, at most 1000)
paged(ECRResponse, "describe_repositories", ["repositories"], "maxResults", "nextToken", "nextToken", 100, 1000)
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html (`maxResults`: 100, at most 1000)
paged(ECRResponse, "list_images", ["imageIds"], "maxResults", "nextToken", "nextToken", 100, 1000)
