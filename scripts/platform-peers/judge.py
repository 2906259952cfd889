"""What PyLTI1p3, another tool's library, says of a launch: nothing when it takes it, else why not."""
from pylti1p3.cookie import CookieService
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.request import Request
from pylti1p3.session import SessionService


class Posted(Request):
    def __init__(self, token):
        self.token, self._session = token, {}

    @property
    def session(self):
        return self._session

    def is_secure(self):
        return True

    def get_param(self, key):
        return self.token if key == "id_token" else "state"


class NoCookies(CookieService):
    def get_cookie(self, name):
        return None

    def set_cookie(self, name, value, exp=3600):
        pass


class Tool(MessageLaunch):
    def _get_request_param(self, key):
        return self._request.get_param(key)


def judge(config, token, nonce):
    request = Posted(token)
    session = SessionService(request)
    session.save_nonce(nonce)
    tool = Tool(request, config, session, NoCookies()).set_auto_validation(False)
    # The state lies in its own login's cookie, which is not asked for here.
    steps = ("jwt_format", "nonce", "registration", "jwt_signature", "deployment", "message")
    for step in steps:
        try:
            getattr(tool, f"validate_{step}")()
        except Exception as error:
            return f"{step}: {type(error).__name__} {error}"
    return ""
