"""Errors as Salesforce words them: an array of objects for REST, one object for OAuth."""

from __future__ import annotations

from aiohttp import web


class ApiError(Exception):
    """A REST error; ``fields`` names the fields at fault."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep what the body will say."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> web.Response:
        """Return the reply."""
        return web.json_response([{"message": self.message, "errorCode": self.code}], status=self.status)


class OAuthError(Exception):
    """An error of the token endpoint."""

    def __init__(self, error: str, description: str) -> None:
        """Keep what the body will say."""
        super().__init__(description)
        self.error, self.description = error, description

    def response(self) -> web.Response:
        """Return the reply."""
        return web.json_response({"error": self.error, "error_description": self.description}, status=400)


def session_expired() -> ApiError:
    """The token is unknown or its session has ended."""
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def malformed_query(reason: str) -> ApiError:
    """The query cannot be parsed."""
    return ApiError(400, "MALFORMED_QUERY", reason)


def invalid_type(name: str) -> ApiError:
    """The object does not exist, or the user may not see it."""
    return ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")


def invalid_field(sobject: str, name: str) -> ApiError:
    """The field does not exist, or the user may not see it."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on entity '{sobject}'.")


def not_found() -> ApiError:
    """The resource does not exist."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def request_limit() -> ApiError:
    """The org's daily requests are used up."""
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
