"""Authentication for jero: who may call an operation, decided before its body and proved at startup."""

from .api_key import APIKeyAuth
from .authenticator import Authenticator
from .basic import BasicAuth
from .bearer import BearerAuth
from .comparison import equal_secrets
from .guards import AuthGuards
from .jwt_bearer import JWTBearerAuth
from .user import UserSource

__all__ = [
    "APIKeyAuth",
    "AuthGuards",
    "Authenticator",
    "BasicAuth",
    "BearerAuth",
    "JWTBearerAuth",
    "UserSource",
    "equal_secrets",
]
