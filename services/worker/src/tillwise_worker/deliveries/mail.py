"""Files by e-mail."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Literal, NamedTuple

import aiosmtplib

from tillwise_common import logs
from tillwise_common.jobs.errors import Unrecoverable
from tillwise_common.settings import Secret

Encryption = Literal["tls", "starttls", "none"]
TIMEOUT_SECONDS = 60.0
log = logs.get("mail")


class Letter(NamedTuple):
    """What is sent: `key` makes the same message recognisable when it is sent twice."""

    key: str
    to: list[str]
    subject: str
    text: str
    name: str
    media_type: str
    file: bytes


class MailServer(NamedTuple):
    """Where mail is handed in. Without a host there is none."""

    host: str
    port: int
    user: str
    password: Secret
    sender: str
    encryption: Encryption

    async def send(self, letter: Letter) -> int:
        """Hand a letter in; returns how many of the recipients were refused. Raises Unrecoverable for what no attempt would mend, and
        TryAgain."""
        if not self.host or not self.sender:
            raise Unrecoverable("no mail server is set: set SMTP_HOST and SMTP_FROM for the worker")
        try:
            refused, _ = await aiosmtplib.send(
                self._message(letter),
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password.reveal() or None,
                use_tls=self.encryption == "tls",
                start_tls=self.encryption == "starttls",
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            # 5xx of all recipients; addresses are personal data and not told.
            if all(500 <= one.code < 600 for one in error.recipients):
                raise Unrecoverable(f"the mail server refuses all {len(error.recipients)} recipients") from None
            raise TryAgain("the mail server refuses the recipients for now") from None
        except (aiosmtplib.SMTPNotSupported, ValueError) as error:
            raise Unrecoverable(f"the message cannot be sent ({type(error).__name__}): addresses are of plain letters") from None
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600 and not isinstance(error, aiosmtplib.SMTPAuthenticationError):
                raise Unrecoverable(f"the mail server refuses the message ({error.code})") from None
            raise TryAgain(f"the mail server did not take it ({error.code})") from None
        except aiosmtplib.SMTPException as error:
            raise TryAgain(f"the mail server did not take it ({type(error).__name__})") from None
        if refused:
            log.warning("recipients_refused", message=letter.key, refused=len(refused), of=len(letter.to))
        return len(refused)

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, ", ".join(letter.to), letter.subject
        message["Message-ID"] = f"<{letter.key}@{self.sender.rpartition('@')[2].rstrip('>') or 'tillwise'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        main, _, sub = letter.media_type.partition(";")[0].partition("/")
        message.add_attachment(letter.file, maintype=main, subtype=sub, filename=letter.name)
        return message


class TryAgain(Exception):
    """It did not work now; later it may. Says nothing of whom it was for."""
