"""How much one request may carry, said before any of it is kept."""

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from support import attachments

MOST = (attachments.MOST + 1) * attachments.LARGEST
"""Bytes: as many files as one message takes, each as large as it may be."""


class LimitUploadHandler(FileUploadHandler):
    """Refuse (400) a form with files that is larger than any that could be taken."""

    def handle_raw_input(self, input_data, META, content_length, *rest):  # noqa: N803
        if content_length > MOST:
            raise RequestDataTooBig("More than one message takes.")

    def receive_data_chunk(self, raw_data, start):
        return raw_data

    def file_complete(self, file_size):
        return None
