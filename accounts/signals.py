"""News from accounts, sent inside the transaction that makes it true.

All come with by (who, or None for an import), on (the local day) and source, which is
"page", "import" or "directory". `users` is a list of User rows of one account.
"""

from django.dispatch import Signal

# role, users: the active users who were not in the role before.
joined_role = Signal()

# account, role, role_name, users, deleted: who is no longer in it. When the role itself
# is deleted, `role` still has its primary key and goes right afterwards.
left_role = Signal()

# role, permission, granted (or revoked), activity: what a role may do has changed.
permission_changed = Signal()

# job, at: a file of people was brought in as far as it can be. Without the rest.
job_finished = Signal()

# account, users: who may no longer sign in.
user_deactivated = Signal()

# account, user, address: who was erased, and the address they had.
user_erased = Signal()
