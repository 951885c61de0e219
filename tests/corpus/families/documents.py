"""Keys in PEM in all forms that logs know, SQL statements, and files of settings."""

import json

from carriers import FIELDS, as_json, nested
from people import opaque, password
from shapes import HEX, b64, blob, pick, uuid

KINDS = ["RSA ", "", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "]
DASHES = "-" * 5


def body(rng, kind, lines=7):
    """The base64 body of a private key, in lines of 64."""
    head = b"openssh-key-v1\0\0\0\0\4none" if kind == "OPENSSH " else b"\x30\x82\x04\xbd\x02\x01\x00"
    text = b64(head + blob(rng, 48 * lines - len(head)))
    return [text[at : at + 64] for at in range(0, len(text), 64)]


def pem(corpus, rng, kind, newline="\n", end=True, lines=7):
    """A private key; only the body is the secret, the header lines may stay or go."""
    o = corpus.optional
    text = newline.join(body(rng, kind, lines))
    label = kind + "PRIVATE " + "KEY"
    marked = o(f"{DASHES}BEGIN {label}{DASHES}") + newline + corpus.secret(text, "".join(text.split(newline)) if newline else text)
    return marked + (newline + o(f"{DASHES}END {label}{DASHES}") if end else "")


def pems(corpus, rng, number):
    """(name, tier, value) of the forms a private key takes."""
    kind = KINDS[number % len(KINDS)]
    real = lambda **more: pem(corpus, rng, kind, **more)
    o = corpus.optional
    yield "plain", 1, real()
    yield "plain-prose", 1, "loaded key material from vault:\n" + real() + "\nthe listener is ready"
    yield "crlf", 1, real(newline="\r\n")
    yield "json", 1, '{"kid":"k-17","material":"' + real(newline="\\n") + '","use":"sig"}'
    yield "json-json", 2, as_json({"request_id": "req-77", "inner": "@"}).replace("@", '{\\"kid\\":\\"k-17\\",\\"material\\":\\"' + real(newline="\\\\n") + '\\"}')
    yield "debug", 1, 'Signer { id: 17, pem: "' + real(newline="\\n") + '", rounds: 3 }'
    yield "spaces", 2, real(newline=" ")
    yield "no-newlines", 2, real(newline="")
    yield "no-end", 1, "partial upload: " + real(end=False)
    yield "env", 1, 'REGION=eu-north-1\nSIGNER="' + real(newline="\\n") + '"\nWORKERS=16'
    yield "indented", 2, "signer:\n  material: |\n    " + real(newline="\n    ") + "\nworkers: 16"
    label = kind + "PRIVATE " + "KEY"
    inner = body(rng, kind)
    text = "\n".join(inner)
    yield "encrypted-header", 2, (
        o(f"{DASHES}BEGIN {label}{DASHES}") + "\n" + o(f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{pick(rng, HEX.upper(), 32)}") + "\n\n"
        + corpus.secret(text, "".join(inner)) + "\n" + o(f"{DASHES}END {label}{DASHES}")
    )
    yield "pgp", 2, (
        o(f"{DASHES}BEGIN PGP PRIVATE " + f"KEY BLOCK{DASHES}") + "\n" + o("Version: GnuPG v2") + "\n\n" + corpus.secret(text + "\n=" + b64(blob(rng, 3)))
        + "\n" + o(f"{DASHES}END PGP PRIVATE " + f"KEY BLOCK{DASHES}")
    )
    account = {"type": "service_account", "project_id": "acme-prod", "private_key_id": "@id", "private_key": "@pem", "client_id": "1044"}
    ident = pick(rng, HEX, 40)
    yield "service-account", 1, json.dumps(account).replace("@id", o(ident)).replace("@pem", real(newline="\\n"))
    jwk = {"kty": "RSA", "kid": "k-17", "e": "AQAB", "d": "@d", "p": "@p"}
    yield "jwk", 3, as_json(jwk).replace("@d", corpus.secret(b64(blob(rng, 256), True, False))).replace("@p", corpus.secret(b64(blob(rng, 128), True, False)))


def statements(corpus, rng):
    """(name, tier, text) of SQL."""
    s = lambda: corpus.secret(password(rng))
    yield "alter", 1, f"ALTER USER app WITH PASSWORD '{s()}'"
    yield "create", 1, f"CREATE ROLE reporting LOGIN PASSWORD '{s()}' VALID UNTIL '2027-01-01'"
    yield "identified", 1, f"CREATE USER 'app'@'%' IDENTIFIED BY '{s()}' REQUIRE SSL"
    yield "update", 2, f"UPDATE users SET password = '{s()}', updated_at = now() WHERE id = 4711"
    yield "update-hash", 2, f"UPDATE users SET api_key='{corpus.secret(opaque(rng))}' WHERE id = 4711"
    yield "where", 2, f"SELECT id FROM sessions WHERE access_token = '{corpus.secret(opaque(rng))}' LIMIT 1"
    yield "insert", 3, f"INSERT INTO users (name, password) VALUES ('app', '{s()}')"
    yield "copy", 2, f"COPY orders FROM 's3://bucket/q1' CREDENTIALS 'aws_access_key_id={corpus.secret('AK' + 'IA' + pick(rng, 'ABCDEFGH234567', 16))};aws_secret_access_key={corpus.secret(opaque(rng))}'"
    yield "sqlserver", 1, f"CREATE LOGIN app WITH PASSWORD = '{s()}', CHECK_POLICY = ON"
    yield "dblink", 2, f"SELECT * FROM dblink('host=db-02 user=app password={s()} dbname=orders', 'select 1') AS t(a int)"


def settings(corpus, rng):
    """(name, tier, text) of files of settings."""
    s, t = lambda: corpus.secret(password(rng)), lambda: corpus.secret(opaque(rng))
    yield "dotenv", 1, f"# production\nAPP_ENV=production\nDB_HOST=db-01\nDB_PASSWORD={s()}\nCACHE_TTL=300"
    yield "dotenv-quoted", 1, f"APP_ENV=production\nSECRET_KEY_BASE=\"{t()}\"\nWEB_CONCURRENCY=4"
    yield "dotenv-export", 1, f"export AWS_REGION=eu-west-1\nexport AWS_SECRET_ACCESS_KEY={t()}\nexport AWS_PAGER="
    yield "aws-file", 1, f"[default]\nregion = eu-west-1\naws_secret_access_key = {t()}\noutput = json"
    yield "npmrc", 2, f"registry=https://registry.example.com/\n//registry.example.com/:_authToken={t()}\nalways-auth=true"
    yield "netrc", 2, f"machine git.example.com login deploy password {s()}"
    yield "pgpass", 3, f"db-01.internal:5432:orders:app:{s()}"
    yield "docker-config", 2, as_json({"auths": {"registry.example.com": {"auth": "@"}}}).replace("@", (lambda x: corpus.secret(b64(x.encode()), x))(f"ci:{password(rng)}"))
    yield "kube-secret", 2, "kind: Secret\nmetadata:\n  name: web\ndata:\n  password: " + (lambda x: corpus.secret(b64(x.encode()), x))(password(rng)) + "\ntype: Opaque"
    yield "compose", 1, f"services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: {s()}\n      TZ: UTC"
    yield "compose-list", 1, f"environment:\n  - TZ=UTC\n  - MYSQL_ROOT_PASSWORD={s()}\n  - LANG=C.UTF-8"
    yield "ini", 1, f"[smtp]\nhost = mail.example.com\nuser = mailer\npassword = {s()}\nstarttls = true"
    yield "properties", 1, f"spring.datasource.url=jdbc:h2:mem\nspring.datasource.password={s()}\nserver.port=8080"
    yield "hcl", 2, f'provider "acme" {{\n  region = "eu"\n  api_token = "{t()}"\n}}'
    yield "xml-wss", 2, f"<soap:Header><wsse:Username>svc</wsse:Username><wsse:Password Type=\"PasswordText\">{s()}</wsse:Password></soap:Header>"
    yield "xml-plist", 3, f"<dict><key>Region</key><string>eu-north</string><key>Password</key><string>{s()}</string></dict>"
    yield "appsettings", 1, '{"ConnectionStrings":{"Default":"Server=sql-01;Database=orders;User Id=app;Password=' + s() + ';Encrypt=True"},"AllowedHosts":"any"}'
    yield "php-array", 2, f"array('host' => 'db-01', 'password' => '{s()}', 'port' => 3306)"
    yield "go-struct", 2, f"{{Host:db-01 Port:5432 Password:{s()} Pool:16}}"
    yield "go-plus", 2, f'main.Config{{Host:"db-01", Password:"{s()}", Pool:16}}'
    yield "java-record", 1, f"Credentials[username=svc, password={s()}, realm=internal]"
    yield "python-dataclass", 1, f"Settings(host='db-01', password='{s()}', pool=16)"
    yield "json-key-value", 2, nested({"env": [{"name": "TZ", "value": "UTC"}, {"name": "API_TOKEN", "value": t()}]}, 1)
    yield "graphql", 2, f'mutation {{ signIn(name: "svc-{rng.randrange(99)}", password: "{s()}") {{ expiresAt }} }}'


def add(corpus):
    """All families of this module."""
    for family, make, turns in (("pem", pems, 3), ("sql", statements, 2), ("settings", settings, 2)):
        rng = corpus.family(family)
        for turn in range(turns):
            arguments = (turn + rng.randrange(6),) if make is pems else ()
            total = len(list(make(corpus, rng, *arguments)))
            for number in range(total):
                corpus._known = []
                name, tier, marked = list(make(corpus, rng, *arguments))[number]
                field = "db.query.text" if family == "sql" else rng.choice(FIELDS)
                corpus.redact(tier, family, field, marked, count=(1, 3) if family == "pem" else None, entry=name)
            corpus._known = []
