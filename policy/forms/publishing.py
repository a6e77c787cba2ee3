"""The forms of the draft as a whole: what it is for, its YAML, publishing it."""

from typing import Any, ClassVar

from django import forms

from policy.documents import MAX_NOTE
from policy.forms.lists import lines
from policy.publishing import MAX_NOTE as MAX_PUBLISHED_NOTE
from policy.publishing import MAX_REASON
from policy.yaml_text import MAX_BYTES


class Seen(forms.Form):
    """A form that carries the revision of the draft that the person saw.

    word  sets its boxes apart from those of the other forms on the page
    """

    use_required_attribute = False
    word: ClassVar = "seen"
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = f"{self.word}-%s"


class NoteForm(Seen):
    """What the policy is for."""

    word = "about"
    note = forms.CharField(
        label="What this policy is for", required=False, max_length=MAX_NOTE, strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip

    def clean_note(self) -> str:
        """Return the note with the line breaks of a document; of nothing but space, none."""
        note: str = "\n".join(lines(self.cleaned_data["note"]))
        return note if note.strip() else ""


class PublishForm(Seen):
    """Why the next version is published, and why warnings do not matter."""

    word = "publish"
    note = forms.CharField(
        label="Note for those who read this version later", required=False, max_length=MAX_PUBLISHED_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    override = forms.CharField(
        label="Why the warnings above may stand", required=False, max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Only if you want to publish in spite of them; the reason goes on the audit trail with each of them.",
    )  # fmt: skip


class ApplyForm(Seen):
    """The whole draft as YAML, pasted or as a file."""

    word = "apply"
    text = forms.CharField(
        label="YAML", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"})
    )
    file = forms.FileField(label="or a file", required=False, allow_empty_file=True)

    def clean_file(self) -> Any:
        """Refuse a file that no policy needs, before it is read."""
        file = self.cleaned_data["file"]
        if file is not None and file.size > MAX_BYTES:
            raise forms.ValidationError(f"This file is larger than {MAX_BYTES} bytes.")
        return file

    def clean(self) -> dict[str, Any]:
        """Return the text, whichever way it came."""
        said = self.cleaned_data
        written, file = said.get("text", ""), said.get("file")
        if "text" not in self.errors and "file" not in self.errors:
            if file is not None and written.strip():
                self.add_error("file", "Either paste the YAML or choose a file, not both.")
            elif file is not None:
                said["text"] = self._decoded(file.read())
            elif written.strip():
                said["text"] = "\n".join(lines(written))
            else:
                self.add_error("text", "Paste the YAML of a policy, or choose a file.")
        return said

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", "This file is not text in UTF-8.")
            return ""
