#!/usr/bin/env python3
"""Verifies an audit log with nothing but Python, from the description in audit-format.md.

    verify_audit.py AUDIT_FOLDER PUBLIC_KEY [COUNT:HEAD ...]

PUBLIC_KEY is 64 hexadecimal digits, or a file that holds them: the first key of the log, which names those after it. Each COUNT:HEAD is a checkpoint kept elsewhere. Prints
what is wrong, one line each, and exits with 1 if anything is. Slow (some thousand records a second) and independent.
"""

import hashlib
import re
import struct
import sys
from pathlib import Path

HEADER = b"astrid:a\x01\0\0\0\0\0\0\0"
DOMAIN = b"astrid-host audit checkpoint v1\0"
CHANGE_DOMAIN = b"astrid-host audit key change v1\0"
ENTRY, CHECKPOINT, COUNTED, KEY_CHANGE = 1, 2, 3, 4
APART = 1024


# ---- BLAKE3, unkeyed, 32 bytes ---------------------------------------------------------------------------------------

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MIXES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8


def compress(chaining, block, counter, length, flags):
    """The eight words that follow from one block of 64 bytes."""
    m = struct.unpack("<16I", block)
    v = list(chaining) + list(IV[:4]) + [counter & 0xFFFFFFFF, counter >> 32, length, flags]
    for turn in range(7):
        for n, (a, b, c, d) in enumerate(MIXES):
            for word, first, second in ((m[2 * n], 16, 12), (m[2 * n + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
                x = v[d] ^ v[a]
                v[d] = (x >> first | x << 32 - first) & 0xFFFFFFFF
                v[c] = (v[c] + v[d]) & 0xFFFFFFFF
                x = v[b] ^ v[c]
                v[b] = (x >> second | x << 32 - second) & 0xFFFFFFFF
        m = [m[place] for place in ORDER]
    return [v[n] ^ v[n + 8] for n in range(8)]


def chunk(data, counter, root):
    """The chaining value of at most 1,024 bytes."""
    chaining, blocks = IV, [data[n:n + 64] for n in range(0, len(data), 64)] or [b""]
    for n, block in enumerate(blocks):
        last = n == len(blocks) - 1
        flags = (CHUNK_START if n == 0 else 0) | ((CHUNK_END | root) if last else 0)
        chaining = compress(chaining, block.ljust(64, b"\0"), counter, len(block), flags)
    return chaining


def tree(data, counter, root):
    """The chaining value of any bytes: the left half holds the greatest power of two of whole chunks."""
    if len(data) <= 1024:
        return chunk(data, counter, root)
    left = 1 << ((len(data) - 1) // 1024).bit_length() - 1
    pair = tree(data[:left * 1024], counter, 0) + tree(data[left * 1024:], counter + left, 0)
    return compress(IV, struct.pack("<16I", *pair), 0, 64, PARENT | root)


def blake3(data):
    return struct.pack("<8I", *tree(data, 0, ROOT))


# ---- Ed25519, verifying only -----------------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q


def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point(data):
    """The point these 32 bytes stand for, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
NEUTRAL = (0, 1, 1, 0)


def signed(key, message, signature):
    """True if the signature holds, strictly: no point of small order, no second form of the same signature."""
    public, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if public is None or r is None or s >= L or same(times(8, public), NEUTRAL) or same(times(8, r), NEUTRAL):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return same(times(s, BASE), add(r, times(k, public)))


# ---- the log ---------------------------------------------------------------------------------------------------------

class Malformed(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def text(self):
        try:
            return self.take(self.number(2)).decode("utf-8")
        except UnicodeDecodeError as wrong:
            raise Malformed from wrong

    def option(self, read):
        flag = self.number(1)
        if flag > 1:
            raise Malformed
        return read() if flag else None

    def end(self):
        if self.at != len(self.data):
            raise Malformed


def read_entry(r, counted):
    if counted:
        count, first, last = r.number(8), r.number(8), r.number(8)
        if count < 1 or first > last:
            raise Malformed
    r.option(lambda: r.take(32))
    if not 1 <= r.number(1) <= 4:
        raise Malformed
    r.take(16)
    r.option(lambda: r.take(32))
    for _ in range(3):
        r.text()
    for _ in range(3):
        r.option(r.text)
    for _ in range(2 * r.number(2)):
        r.text()
    r.end()


def verify(folder, key, kept):
    """Yields what is wrong; stops at damage it cannot read past."""
    seq, time, head, uncovered, hashes = 0, 0, bytes(32), 0, {}
    for path in sorted(f for f in Path(folder).iterdir() if re.fullmatch(r"\d{16}\.log", f.name)):
        data = path.read_bytes()
        if data[:16] != HEADER:
            yield f"{path.name}: the header is damaged"
        if int(path.name[:16]) != seq + 1:
            yield f"{path.name}: the segment should begin at {seq + 1}"
        at = 16
        while data[at:at + 4].strip(b"\0"):
            length = int.from_bytes(data[at:at + 4], "little")
            body, found = data[at + 4:at + 4 + length], data[at + 4 + length:at + 36 + length]
            if length < 50 or len(found) < 32 or blake3(body) != found or body[0] != 1 or not 1 <= body[1] <= 4:
                yield f"record {seq + 1}: damaged or unfinished"
                return
            number, when = struct.unpack_from("<QQ", body, 2)
            if number != seq + 1:
                yield f"record {number}: should have the number {seq + 1}"
            if body[18:50] != head:
                yield f"record {number}: does not follow the one before"
            if when < time:
                yield f"record {number}: is older than the one before"
            reader = Reader(body[50:])
            try:
                if body[1] in (ENTRY, COUNTED):
                    uncovered += 1
                    if uncovered == APART + 1:
                        yield f"record {number}: a checkpoint is missing"
                    read_entry(reader, body[1] == COUNTED)
                else:
                    uncovered = 0
                    count, its_key, signature = reader.number(8), reader.take(32), reader.take(64)
                    following = reader.take(32) if body[1] == KEY_CHANGE else b""
                    reader.end()
                    domain = CHANGE_DOMAIN if following else DOMAIN
                    message = domain + body[18:50] + struct.pack("<QQ", count, when) + following
                    if count != number - 1 or its_key != key or not signed(key, message, signature):
                        yield f"record {number}: not signed by the key of this log"
                    elif following:
                        key = following
            except Malformed:
                yield f"record {number}: malformed"
            seq, time, head, at = number, when, found, at + 36 + length
            if seq in kept:
                hashes[seq] = head
        if data[at:].strip(b"\0"):
            yield f"{path.name}: something follows the last record"
            return
    for count, wanted in kept.items():
        if count and hashes.get(count) != wanted:
            yield f"record {count}: differs from a checkpoint kept elsewhere, or is missing"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, key = sys.argv[1:3]
    key = bytes.fromhex(key if re.fullmatch("[0-9a-fA-F]{64}", key) else Path(key).read_text().strip())
    kept = {int(count): bytes.fromhex(head) for count, head in (text.split(":") for text in sys.argv[3:])}
    wrong = 0
    for finding in verify(folder, key, kept):
        print(finding)
        wrong = 1
    print("broken" if wrong else "intact")
    sys.exit(wrong)


if __name__ == "__main__":
    main()
