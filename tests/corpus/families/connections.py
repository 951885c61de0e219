"""Connection strings of databases, queues and stores, as URLs and as lists of pairs."""

from carriers import FIELDS, as_json, percent
from people import password
from shapes import ALNUM, b64, blob, mixed


def strings(corpus, rng):
    """(name, tier, text) of every product's own form."""
    o = corpus.optional
    s = lambda: corpus.secret(password(rng))
    key = lambda size: corpus.secret(b64(blob(rng, size)))
    odd = f"{mixed(rng, ALNUM, 6)}@{mixed(rng, ALNUM, 5)}"
    yield "postgres", 1, f"postgres://{o('app_user')}:{s()}@db-01.internal:5432/orders?sslmode=require"
    yield "postgresql", 1, f"postgresql://{o('app_user')}:{s()}@db-01.internal/orders"
    yield "postgres-percent", 2, f"postgres://{o('app_user')}:{corpus.secret(percent(odd), odd)}@db-01.internal:5432/orders"
    yield "postgres-raw-at", 2, f"postgres://{o('app_user')}:{corpus.secret(odd)}@db-01.internal:5432/orders"
    yield "libpq", 1, f"host=db-01.internal port=5432 user=app password={s()} dbname=orders sslmode=require"
    yield "libpq-quoted", 2, f"host=db-01.internal user=app password='{corpus.secret(password(rng).replace('-', ' ') + ' x')}' dbname=orders"
    yield "jdbc-query", 1, f"jdbc:postgresql://db-01.internal:5432/orders?user=app&password={s()}&ssl=true"
    yield "mysql", 1, f"mysql://{o('root')}:{s()}@db-02.internal:3306/shop?charset=utf8mb4"
    yield "mysql-dsn", 2, f"{o('root')}:{s()}@tcp(db-02.internal:3306)/shop?parseTime=true"
    yield "jdbc-mysql", 1, f"jdbc:mysql://db-02.internal:3306/shop?user=root&password={s()}"
    yield "mongodb", 1, f"mongodb://{o('svc')}:{s()}@mongo-0.internal:27017,mongo-1.internal:27017/admin?replicaSet=rs0"
    yield "mongodb-srv", 1, f"mongodb+srv://{o('svc')}:{s()}@cluster0.example.mongodb.net/app?retryWrites=true"
    yield "redis", 1, f"redis://{o('default')}:{s()}@cache-01.internal:6379/0"
    yield "rediss", 1, f"rediss://:{s()}@cache-01.internal:6380/1"
    yield "amqp", 1, f"amqp://{o('svc')}:{s()}@rabbit.internal:5672/%2Fprod?heartbeat=30"
    yield "sqlserver", 1, f"Server=tcp:sql-01.internal,1433;Database=orders;User ID=app;Password={s()};Encrypt=True;Connection Timeout=30"
    yield "sqlserver-pwd", 1, f"Data Source=sql-01;Initial Catalog=orders;Uid=app;Pwd={s()};MultipleActiveResultSets=False"
    yield "jdbc-sqlserver", 1, f"jdbc:sqlserver://sql-01.internal:1433;databaseName=orders;user=app;password={s()};encrypt=true"
    yield "odbc", 2, f"Driver={{ODBC Driver 18}};Server=sql-01;Uid=app;Pwd={{{s()}}};TrustServerCertificate=no"
    yield "oracle", 2, f"jdbc:oracle:thin:{o('scott')}/{s()}@//ora-01.internal:1521/ORCL"
    yield "azure-storage", 1, f"DefaultEndpointsProtocol=https;AccountName=acmestore;AccountKey={key(64)};EndpointSuffix=core.windows.example"
    yield "azure-bus", 1, f"Endpoint=sb://acme.servicebus.windows.example/;SharedAccessKeyName=root;SharedAccessKey={key(32)};EntityPath=orders"
    yield "azure-cosmos", 1, f"AccountEndpoint=https://acme.documents.azure.example:443/;AccountKey={key(64)};"
    yield "elastic", 1, f"https://{o('elastic')}:{s()}@es-01.internal:9200/_cluster/health"
    yield "cassandra", 2, f"cassandra://{o('svc')}:{s()}@cass-01.internal:9042/app?consistency=quorum"
    yield "clickhouse", 2, f"clickhouse://{o('svc')}:{s()}@ch-01.internal:9000/metrics"
    yield "clickhouse-query", 1, f"tcp://ch-01.internal:9000?username=svc&password={s()}&database=metrics"
    yield "snowflake", 2, f"snowflake://{o('svc')}:{s()}@acme-eu/ANALYTICS/PUBLIC?warehouse=LOAD_WH"
    yield "smtp", 1, f"smtp://{o('mailer')}:{s()}@mail.example.com:587"
    yield "ftp", 1, f"ftp://{o('upload')}:{s()}@files.example.com/incoming/report.csv"
    yield "ldap", 2, f"ldap://{o('admin')}:{s()}@ldap.internal:389/dc=example"
    yield "kafka-jaas", 2, f'org.apache.kafka.common.security.plain.PlainLoginModule required username="svc" password="{s()}";'
    yield "nats", 2, f"nats://{o('svc')}:{s()}@nats.internal:4222"


def add(corpus):
    """Every form bare, and once more inside an error or JSON."""
    rng = corpus.family("connection")
    total = len(list(strings(corpus, rng)))
    for turn in range(2):
        for number in range(total):
            corpus._known = []
            name, tier, text = list(strings(corpus, rng))[number]
            carrier, field = "bare", rng.choice(["dsn", "url", "message", "config.source"])
            if turn:
                carrier, text = rng.choice([
                    ("json", as_json({"component": "pool", "target": text, "max_connections": 20})),
                    ("error", f"failed to connect to {text}: connection refused (os error 111)"),
                    ("debug", f'PoolOptions {{ target: "{text}", max_connections: 20, idle: Some(30s) }}'),
                ])
                field = rng.choice(FIELDS)
            corpus.redact(tier, carrier, field, text, entry=name)
