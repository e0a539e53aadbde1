"""What code page a text is written in: byte-order mark, then UTF-16 by its zeros, UTF-8 by its rules, then the code
page under which its letters stand among letters."""

from __future__ import annotations

import codecs
import re
from itertools import pairwise

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.source import BOMS, Sample

_HINT = "Save it as CSV in UTF-8."
_PAGES = ("cp1252", "cp1251", "cp850", "cp1250", "mac-roman")
_NO_PAGES = frozenset(("idna", "punycode", "unicode_escape", "raw-unicode-escape", "unicode-escape", "mbcs", "oem"))
_NO_WESTERN = re.compile(
    "[^\\W\\d_][\xf9\xb9\xbe][^\\W\\d_aeiouy]|\xf5[^\\We]|\xc8[a-z]|[a-z]\xe8[^\\W\\d_aeioucghlmnrstv]"
)
"""Letters of Windows' Western page where no Western language has them: they are those of Central Europe."""
_WORDY = re.compile(r"[^\W\d_]+")
_HIGH = re.compile(rb"[\x80-\xff]+")
_SIGNS = set("°µ²³€±·×§£½¼ßΩµ–’“”„…\u00a0")


def detect(sample: Sample, where: str) -> str:
    """The name of the encoding; PdmError (file `where`) for what is no text."""
    head = sample.head
    for bom, name in BOMS.items():
        if head.startswith(bom):
            return name
    wide = _wide(head)
    if wide:
        return wide
    if b"\0" in head or any(b"\0" in other for other in sample.others):
        raise PdmError("The file is not a table of text.", _HINT, where)
    parts = (head, *sample.others)
    if all(_is_utf8(part, cut_start=position > 0) for position, part in enumerate(parts)):
        return "utf-8"
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\x1a" for byte in head[:4096])
    if odd > len(head[:4096]) / 50:
        raise PdmError("The file is not a table of text.", _HINT, where)
    return code_page(b"\n".join(line for part in parts for line in part.split(b"\n") if not line.isascii()))


def known(name: str) -> str:
    """The encoding a user named, as it is called here; PdmError when there is none."""
    try:
        found = codecs.lookup(name).name
        "1".encode(found)  # some are no encodings of text
        if found in _NO_PAGES:
            raise LookupError(found)
    except (LookupError, ValueError) as exc:
        raise PdmError(f"There is no encoding {name!r}.", "Use utf-8, utf-16, cp1252 ...", "encoding") from exc
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(found, found)


def code_page(data: bytes) -> str:
    """The single-byte code page that makes most sense of lines with bytes above 127."""
    data = data[:20_000]
    if _chinese(data):
        return "gb18030"
    if _japanese(data):
        return "cp932"
    scores = {page: _score(data, page) for page in _PAGES}
    best = max(_PAGES, key=scores.__getitem__)
    # The usual one unless another makes clearly more sense; the last resort knows every byte.
    best = "cp1252" if scores["cp1252"] >= scores[best] - 0.15 else best
    # Names of columns that plants use tell more than letters.
    known = {page: _known_names(data, page) for page in _PAGES if scores[page] > -1}
    if known and max(known.values()) > known.get(best, 0):
        best = max(known, key=known.__getitem__)
    elif best == "cp1252" and scores["cp1250"] >= scores[best] and _eastern(data) and not known.get(best, 0):
        best = "cp1250"
    return best if scores[best] > -1 else "latin-1"


def _chinese(data: bytes) -> bool:
    """Whether the bytes above 127 come in pairs, most of which are the usual characters of GB 2312; letters of other
    pages stand alone, or in words of odd length."""
    pairs = 0
    for run in _HIGH.findall(data):
        if len(run) % 2:
            return False
        leads = run[0::2]
        pairs += len(leads)
        if sum(0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7 for lead in leads) < 0.6 * len(leads) or min(run) < 0xA1:
            return False
    return pairs >= 4


def _japanese(data: bytes) -> bool:
    """Whether the text makes sense in Shift JIS: characters of two bytes, mostly usual ones, side by side; letters
    of other pages stand among plain ones."""
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return False
    wide = [char for char in text if char > "\u3000" and not "\uff61" <= char <= "\uff9f"]
    usual = sum(char in "\u3001\u3002\u30fb\u30fc" or 0x82 <= char.encode("cp932")[0] <= 0x98 for char in wide)
    beside = sum(len(run) for run in re.findall(r"[\u3001-\uff60\uffa0-\uffff]{2,}", text))
    return len(wide) >= 3 and usual >= 0.7 * len(wide) and beside >= 0.75 * len(wide)


def _known_names(data: bytes, page: str) -> int:
    """How many cells with letters of the page's own are names that plants give their columns."""
    cells = re.split(r"[,;|\t\r\n\"]", data[:4_000].decode(page, "replace"))
    return sum(bool(aliases.roles(cell.strip())) for cell in cells if cell and not cell.isascii())


def _eastern(data: bytes) -> bool:
    """Whether the letters, read as Western ones, stand where no Western language has them."""
    text = data.decode("cp1252", "replace")
    return _NO_WESTERN.search(text) is not None


def _score(data: bytes, page: str) -> float:
    try:
        text = data.decode(page)
    except UnicodeDecodeError:
        return -2.0
    total = good = 0.0
    for word in _WORDY.findall(text):
        high = [char for char in word if char > "\x7f"]
        if not high:
            continue
        total += len(high)
        cyrillic = sum("\u0400" <= char <= "\u04ff" for char in high)
        if cyrillic:
            good += cyrillic if cyrillic == len(word) and len(word) > 1 else 0
        elif len(high) <= max(1, len(word) // 2) and not re.search(r"[^\W\d_a-zA-Z]{3}", word):
            mixed = any(a.islower() and b.isupper() for a, b in pairwise(word))
            good += len(high) if not mixed else 0
    for char in text:
        if char > "\x7f" and not char.isalpha():
            total += 1
            good += char in _SIGNS
    # A sign in the middle of a word is a letter of another page.
    wrong = len(re.findall(r"[a-z][^\x00-\x7f\w][a-z]", text))
    return (good - wrong) / total if total else 0.0


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every other byte of plain text is zero."""
    start = head[:4096]
    if len(start) < 4:
        return ""
    even, odd = start[0::2].count(0) / (len(start) / 2), start[1::2].count(0) / (len(start) / 2)
    if odd > 0.7 and even < 0.1:
        return "utf-16-le"
    if even > 0.7 and odd < 0.1:
        return "utf-16-be"
    return ""


def _is_utf8(part: bytes, *, cut_start: bool) -> bool:
    if cut_start:
        at = 0
        while at < min(3, len(part)) and part[at] & 0xC0 == 0x80:
            at += 1
        part = part[at:]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(part, final=False)
    except UnicodeDecodeError:
        return False
    return True
