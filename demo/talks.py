"""What customers asked the desk in the demo's weeks, and what became of it: so that its
figures have something to show. Each is asked, answered and solved on days of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from accounts import clock
from accounts.models import Account, User
from demo import cast
from marketplace.models import App
from support import tickets
from support.models import Ticket

SOFIA, RAVI = "sofia.santos@vendor.example", "ravi.menon@vendor.example"
FIRST_HOURS = timedelta(hours=2)
"""An answer on the day itself comes so long after the question."""


@dataclass(frozen=True)
class Talk:
    """A question so many days before the demo's day. `answered` and `solved` are days
    after it; None: not yet.
    """

    before: int
    account: str
    category: str
    app: str
    subject: str
    body: str
    answer: str = ""
    by: str = SOFIA
    answered: int | None = 0
    solved: int | None = 1
    priority: int = 2
    tags: tuple[str, ...] = ()

    def events(self) -> Iterator[tuple[int, Callable[[date], None]]]:
        yield self.before, self._ask
        if self.answered is not None:
            yield self.before - self.answered, self._answer
        if self.solved is not None:
            yield self.before - self.solved, self._solve

    def _ask(self, day: date) -> None:
        account = Account.objects.get(slug=self.account)
        ticket = tickets.open(
            account, category=self.category, subject=self.subject, body=self.body,
            app=App.objects.get(slug=self.app), by=cast.administrator(account),
            on=clock.today(account.timezone), at=clock.now(),
        )  # fmt: skip
        changes = {"priority": self.priority, "tags": list(self.tags)}
        self._revise(ticket, changes | {"assignee": self._staff})

    def _answer(self, day: date) -> None:
        ticket = self._ticket
        later = FIRST_HOURS if self.answered == 0 else timedelta(0)
        on = clock.today(ticket.account.timezone)
        tickets.reply(
            ticket, self.answer, by=self._staff, on=on, at=clock.now() + later
        )

    def _solve(self, day: date) -> None:
        self._revise(self._ticket, {"state": Ticket.State.SOLVED}, later=FIRST_HOURS)

    def _revise(self, ticket: Ticket, changes: dict, later=timedelta(0)) -> None:
        tickets.revise(
            ticket, changes, version=None, by=self._staff,
            on=clock.today(ticket.account.timezone), at=clock.now() + later,
        )  # fmt: skip

    @property
    def _staff(self) -> User:
        return User.objects.get(email=self.by)

    @property
    def _ticket(self) -> Ticket:
        return Ticket.objects.get(account__slug=self.account, subject=self.subject)


def events() -> list[tuple[int, Callable[[date], None]]]:
    """Every question, answer and end, with how many days before the demo's day it is."""
    return [event for talk in TALKS for event in talk.events()]


TALKS = [
    Talk(69, "meridian-care", "INSTALL", "salesforce", "Salesforce asks for a second sign-in",
         "Ninety agents have to sign in twice each morning.",
         "Single sign-on was not switched on for your domain. It is now.", solved=2),
    Talk(68, "vega-logistics", "INSTALL", "jira", "Two supervisors cannot open Jira",
         "They have seats, and see “no access”.",
         "Their addresses were written in capitals there. The partner corrected both.",
         by=RAVI, tags=("sign-in",)),
    Talk(65, "harbour-lines", "CHARGE", "zoom", "Is Zoom billed from the 18th or the 20th?",
         "Our order form says the 20th.",
         "From the 20th. The page showed the day it was installed; nothing was billed"
         " before.", priority=3),
    Talk(63, "aster-bank", "SALES", "slack", "Price for 250 Slack users",
         "We compare three offers until Friday.",
         "Sales sent an offer to you this morning.", by=RAVI, answered=1, solved=3),
    Talk(59, "northgate-utilities", "INSTALL", "dropbox", "Dropbox folders are empty after the move",
         "Forty people see empty team folders.",
         "The move ran over night. All folders are there now.", answered=0, solved=6,
         priority=4, tags=("outage", "vip")),
    Talk(56, "kestrel-air", "CHARGE", "wrike", "Quarterly charge is not three times the monthly one",
         "83 cents are missing.",
         "Each period is computed exactly and rounded once. The page of the charge shows"
         " the sum.", by=RAVI, solved=1),
    Talk(54, "vega-logistics", "CHARGE", "clockify", "Why 25 seats for Clockify?",
         "Only 24 people use it.",
         "Twenty-five were active on one day of this term: what was once active stays"
         " billed until its end.", solved=2, tags=("peak",)),
    Talk(50, "meridian-care", "INSTALL", "tableau", "Tableau explorers cannot publish",
         "Since Monday the button is grey.",
         "Publishing belongs to the Creator plan. Shall we prepare a change at renewal?",
         by=RAVI, answered=3, solved=8),
    Talk(49, "harbour-lines", "INSTALL", "trello", "Trello boards of somebody who left",
         "How do we get at them?",
         "A workspace administrator can take them over: Members, then Deactivated.",
         solved=0),
    Talk(46, "aster-bank", "INSTALL", "notion", "Notion sends mails to the whole bank",
         "Every page that is shared mails everybody.",
         "Switch off “Notify workspace” there. We did it for your team.", priority=4,
         solved=1, tags=("vip",)),
    Talk(43, "northgate-utilities", "CHARGE", "canva", "Invoice shows Canva twice",
         "One line for Teams, one for Pro.",
         "Both ran on the same days after the change of plan; the credit was declined"
         " because your order form fixes Teams.", by=RAVI, answered=1, solved=2),
    Talk(38, "kestrel-air", "INSTALL", "databox", "Databox shows yesterday’s figures",
         "It used to be live.", "The partner renewed an expired key.", solved=3),
    Talk(36, "vega-logistics", "INSTALL", "postman", "Can Postman be limited to a role?",
         "We want new developers to get it by themselves.",
         "Activate the role Developers with Auto Install, and set a limit.", by=RAVI),
    Talk(35, "meridian-care", "CHARGE", "salesforce", "VAT number is missing on charges",
         "Accounting sends them back.", "Sales added it to your contract.", answered=4,
         solved=9),
    Talk(31, "pine-street-clinic", "CHARGE", "trello", "Charged though we were testing",
         "We thought the first month was free.",
         "There are no trials: the summary said so before the click. You can end it at"
         " the month’s end.", solved=1),
    Talk(29, "harbour-lines", "INSTALL", "figma", "Figma asks for payment details",
         "Six designers cannot go on.", "The partner linked your team to the contract.",
         priority=4, solved=0, tags=("outage",)),
    Talk(28, "aster-bank", "CHARGE", "notion", "Which cost centre for Notion?",
         "Please put 4410 on each charge.", "Noted on your account.", by=RAVI, solved=3),
    Talk(22, "northgate-utilities", "INSTALL", "dropbox", "Add forty seats at once",
         "Is there a file we can send?",
         "Paste the addresses into “Add users”: those who have no seat are chosen.",
         solved=1),
    Talk(21, "kestrel-air", "INSTALL", "wrike", "Wrike in Polish",
         "Half of the crew reads Polish alone.",
         "Each user chooses it under Profile, Language.", by=RAVI, answered=1, solved=1),
    Talk(17, "vega-logistics", "CHARGE", "jira", "What will December cost?",
         "After we remove twelve people.",
         "The page “Billing” of Jira shows it: removing lowers nothing before the term"
         " ends.", solved=2),
    Talk(15, "meridian-care", "INSTALL", "tableau", "Dashboards time out",
         "Since the last release, in the afternoon.",
         "The partner gave your site more memory.", priority=3, answered=1, solved=5),
    Talk(9, "harbour-lines", "INSTALL", "zoom", "Zoom rooms on the third floor",
         "Two rooms show “expired”.",
         "They were signed in with a seat that was freed. They use room seats now.",
         solved=1, tags=("rooms",)),
    Talk(7, "aster-bank", "CHARGE", "notion", "October was charged on the 1st and the 3rd",
         "Two charges of the same amount.",
         "The second is the correction of the first, which stands beside it.", by=RAVI,
         solved=4),
    Talk(4, "kestrel-air", "CHARGE", "databox", "Databox: one seat too many",
         "We removed somebody in September.",
         "Which day was it? We look at the seat events with you.", answered=1,
         solved=None, tags=("peak",)),
    Talk(3, "northgate-utilities", "INSTALL", "canva", "Brand kit is gone",
         "After the change to Pro.", solved=None, answered=None, priority=3, by=RAVI),
    Talk(3, "meridian-care", "INSTALL", "salesforce", "Calls are not logged",
         "Since this morning, in all three centres.", solved=None, answered=None,
         priority=4, tags=("outage", "vip")),
    Talk(2, "pine-street-clinic", "SALES", "slack", "Slack for eight people",
         "Is there a smaller plan than Pro?", solved=None, answered=None, by=RAVI,
         priority=1),
]  # fmt: skip
