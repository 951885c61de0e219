"""Runs docs/collector/clickhouse.sql and auditor.sql in ClickHouse's engine over rows as a collector's exporter inserts them.
Arguments: the schema, the questions, the rows (a JSON object a line), and the parameters as a JSON object. Prints the version of the
engine, how many rows there are and were merged, and the answer to each question."""
import json
import sys
import tempfile

from chdb.session import Session


def statements(path):
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n") if not line.lstrip().startswith("--")]
    return [text.strip() for text in "\n".join(lines).split(";") if text.strip()]


def main():
    schema, questions, rows, parameters = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        session = Session(place)

        def ask(text):
            said = str(session.query(text, "JSONEachRow"))
            return [json.loads(line) for line in said.split("\n") if line]

        for statement in statements(schema):
            session.query(statement)
        # Twice: who exports sends again what it does not know to have arrived.
        for _ in range(2):
            session.query(f"INSERT INTO audit.records FROM INFILE '{rows}' FORMAT JSONEachRow")
        for name, said in json.loads(parameters).items():
            session.query(f"SET param_{name} = '{said}'")
        session.query("SET output_format_json_quote_64bit_integers = 0")
        # What is not parsed keeps its nine digits.
        report = {
            "engine": ask("SELECT version() AS version")[0]["version"],
            "rows": ask("SELECT count() AS n FROM audit.records")[0]["n"],
            "trail": ask("SELECT count() AS n FROM audit.trail")[0]["n"],
            "answers": [ask(question) for question in statements(questions)],
        }
        print(json.dumps(report))
        session.close()


main()
