"""Counts what a trail's files hold, without any code of the library: records of users, those that gaps account for, and
those that pauses left out.

Prints three numbers. Ends with code 1 and one sentence for each fault where the files cannot be an exact account: a hole in
`seq`, a number or an id that is there twice, a gap record, the end of a pause or a closing record whose count does not agree
with the others.
"""

import json
import pathlib
import sys

TOLD = 20


class Ids:
    """Which ids were seen. Ten million of them: 16 bytes each, apart by their random last byte, compared at the end."""

    def __init__(self):
        self.buckets = [bytearray() for _ in range(256)]

    def add(self, text):
        value = bytes.fromhex(text.replace("-", ""))
        if len(value) != 16:
            raise ValueError(f"the id {text!r} has not 32 hexadecimal digits")
        self.buckets[value[-1]] += value

    def repeated(self):
        for bucket in self.buckets:
            seen = set()
            for at in range(0, len(bucket), 16):
                value = bytes(bucket[at : at + 16])
                if value in seen:
                    yield value.hex()
                seen.add(value)


class Stream:
    """What one stream must go on with, and what it has said of itself since its process began."""

    def __init__(self):
        self.next = 0
        self.users = 0
        self.gaps = 0
        self.paused = 0
        self.close = None


class Account:
    def __init__(self):
        self.users = 0
        self.gaps = 0
        self.paused = 0
        self.ids = Ids()
        self.streams = {}
        self.faults = []

    def fault(self, sentence):
        self.faults.append(sentence)

    def line(self, record):
        name, seq = record["stream"], record["seq"]
        stream = self.streams.setdefault(name, Stream())
        if seq < stream.next:
            self.fault(f"stream {name}: seq {seq} is there twice, or out of order: {stream.next} was next")
        elif seq > stream.next:
            self.fault(f"stream {name}: a hole in seq: {seq} follows {stream.next - 1}")
        stream.next = seq + 1
        self.ids.add(record["id"])
        if record.get("actor", {}).get("id") == "tracing-audit":
            self.control(stream, record)
        else:
            self.users += 1
            stream.users += 1
            stream.close = None

    def control(self, stream, record):
        event, said = record["event"], record["attributes"]
        if event == "audit.open" and said["cause"] == "start":
            stream.users = stream.gaps = stream.paused = 0
        closes = event == "audit.close"
        stream.close = (said["records"], said["lost"], said.get("paused", 0)) if closes else None
        if event == "audit.gap" and "sink" not in said:
            self.gap(stream, record["seq"], said)
        if event == "audit.resume":
            self.resume(stream, record["seq"], said)

    def gap(self, stream, seq, said):
        lost = said["lost"]
        if not isinstance(lost, int) or lost < 1:
            self.fault(f"the gap record {seq} says that {lost!r} records were lost")
            return
        if said["first_time"] > said["last_time"]:
            self.fault(f"the gap record {seq} ends before it begins")
        self.gaps += lost
        stream.gaps += lost

    def resume(self, stream, seq, said):
        left_out = said["left_out"]
        if left_out != sum(row["left_out"] for row in said["by_category"]):
            self.fault(f"the end of a pause {seq} counts {left_out} and something else by category")
        self.paused += left_out
        stream.paused += left_out

    def end(self):
        for name, stream in self.streams.items():
            if stream.close is None:
                self.fault(f"stream {name}: the last record is no audit.close, so nothing says what must be there")
                continue
            records, lost, paused = stream.close
            if lost != stream.gaps:
                self.fault(f"stream {name}: its gap records count {stream.gaps} lost, its audit.close says {lost}")
            if records != stream.users:
                self.fault(f"stream {name}: {stream.users} records are there, its audit.close says {records}")
            if paused != stream.paused:
                self.fault(f"stream {name}: its pauses left {stream.paused} out, its audit.close says {paused}")
        for value in self.ids.repeated():
            self.fault(f"the id {value} is there twice")


def main(directory):
    account = Account()
    for segment in sorted(pathlib.Path(directory).rglob("*.jsonl")):
        with open(segment, "rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    account.line(json.loads(line))
                except (KeyError, TypeError, ValueError) as error:
                    account.fault(f"{segment.name}, line {number}: {type(error).__name__}: {error}")
    account.end()
    print(account.users, account.gaps, account.paused)
    for sentence in account.faults[:TOLD]:
        print(sentence, file=sys.stderr)
    if len(account.faults) > TOLD:
        print(f"and {len(account.faults) - TOLD} more", file=sys.stderr)
    return 1 if account.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
