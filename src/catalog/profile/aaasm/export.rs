//! Records as events of the shape `aaasm`.

use super::*;

pub(in super::super) fn export(record: &Record) -> Exported {
    let mut giving = Giving::new(Profile::Aaasm, record);
    let form = form(&mut giving);
    let is_sdk = form.spelling == Spelling::Camel;
    imply_what_is_said(&mut giving);
    let mut shape = Shape::default();
    shape.put("eventId", giving.text(Slot::Id).unwrap_or_default());
    give_agent(&mut giving, form, &mut shape);
    give_time(&mut giving, form, &mut shape);
    give_action_type(&mut giving, is_sdk, &mut shape);
    let decision = giving.text(Slot::DecisionEnforced);
    shape.put_some("decision", decision.or(is_sdk.then_some("")));
    for (key, slot) in [
        ("traceId", Slot::TraceId),
        ("spanId", Slot::SpanId),
        ("parentSpanId", Slot::ParentSpanId),
    ] {
        shape.put_some(key, giving.text(slot));
    }
    give_labels(&mut giving, &mut shape);
    if let Some(stack) = giving.slot(Slot::CallStack) {
        shape.put("callStack", stack::given(stack, form.spelling));
    }
    give_subject(&mut giving, form, &mut shape);
    give_object(&mut giving, form, &mut shape, "lineage", LINEAGE);
    for rule in PLAIN {
        rule.give(&mut giving, &mut shape);
    }
    giving.refuse_rest();
    if form.spelling == Spelling::Snake {
        shape.rename(snake);
    }
    giving.finish(shape)
}

/// The form that the line had; for other records that of the client library, with the time.
fn form(giving: &mut Giving<'_>) -> Form {
    let default = Form::of(Spelling::Camel, !giving.native);
    let word = giving.attribute(FORM).and_then(Value::as_str);
    let known = Form::ALL.iter().find(|(known, _)| Some(*known) == word);
    known.filter(|_| giving.native).map_or(default, |(_, form)| *form)
}

/// Marks what other parts of the line say.
fn imply_what_is_said(giving: &mut Giving<'_>) {
    giving.imply(&[Slot::Event, Slot::Time]);
    let record = giving.record();
    let agent = record.text(Slot::AgentId);
    let approver = giving::detail(record, "approval", "approver").and_then(Value::as_str);
    let subject = subject(record);
    let acted_on = subject.and_then(resource);
    let acted_on = acted_on.zip(subject).and_then(|((kind, field), subject)| {
        Some((kind, giving::detail(record, subject.variant, field)?.as_str()?))
    });
    let said = [
        (Slot::Level, Some("info")),
        (Slot::Category, Some(record.event())),
        (Slot::Action, Some(record.event())),
        (Slot::ActorId, approver.or(agent)),
        (
            Slot::ActorType,
            approver.map(|_| "user").or(agent.map(|_| "agent")),
        ),
        (Slot::ResourceType, acted_on.map(|(kind, _)| kind)),
        (Slot::ResourceId, acted_on.map(|(_, id)| id)),
        (
            Slot::Outcome,
            outcome_of_decision(record.text(Slot::DecisionEnforced)),
        ),
    ];
    for (slot, word) in said {
        if giving.native || record.text(slot) == word {
            giving.imply(&[slot]);
        }
    }
}

fn give_agent(giving: &mut Giving<'_>, form: Form, shape: &mut Shape) {
    let record = giving.record();
    let has_more = [Slot::AgentOrg, Slot::AgentTeam]
        .iter()
        .any(|slot| record.get(*slot).is_some());
    if form.spelling == Spelling::Snake || has_more {
        return give_object(giving, form, shape, "agentId", AGENT);
    }
    let named = giving.text(Slot::AgentId);
    let named = named.or_else(|| {
        if giving.native {
            None
        } else {
            giving.text(Slot::AgentName)
        }
    });
    let named = named.or_else(|| {
        if giving.native {
            None
        } else {
            giving.text(Slot::ActorId)
        }
    });
    shape.put("agentId", named.unwrap_or_default());
}

fn give_time(giving: &mut Giving<'_>, form: Form, shape: &mut Shape) {
    let Some(nanos) = giving.uint(Slot::Time).filter(|_| form.is_timed) else {
        return;
    };
    let mut at = Shape::default();
    if giving.native || nanos.is_multiple_of(1_000_000) {
        at.put(MILLIS, millis_of_nanos(nanos));
    } else {
        giving.note(Slot::Time.path(), Why::Rounded);
        at.put(MILLIS, nanos / 1_000_000);
    }
    put_object(shape, form, "occurredAt", at);
}

/// The type of action: the event's name where it is one. Another event is of the type that its subject has, and its name
/// is a label.
fn give_action_type(giving: &mut Giving<'_>, is_sdk: bool, shape: &mut Shape) {
    let event = giving.record().event();
    if event == UNSPECIFIED {
        shape.put_some("actionType", is_sdk.then_some(""));
        return;
    }
    let is_type =
        ACTION_TYPES.contains(&event) || SUBJECTS.iter().any(|subject| subject.action_type == event);
    if giving.native || is_type {
        shape.put("actionType", event);
        return;
    }
    let subject = subject(giving.record());
    match subject {
        Some(subject) => {
            giving.note(Slot::Event.path(), Why::Replaced);
            shape.put("actionType", subject.action_type);
        }
        None => shape.put("actionType", event),
    }
}

fn give_labels(giving: &mut Giving<'_>, shape: &mut Shape) {
    let record = giving.record();
    let mut labels = Shape::default();
    giving.imply(&[Slot::Labels]);
    for (name, value) in record.map(Slot::Labels).into_iter().flatten() {
        labels.put(name, value.clone());
    }
    let event = record.event();
    let is_replaced = shape
        .text_of("actionType")
        .is_some_and(|given| given != event && !given.is_empty());
    if !giving.native && is_replaced && !labels.has("event") {
        labels.put("event", event);
    }
    if !labels.is_empty() {
        shape.put_shape("labels", labels);
    }
}

/// What the record is about, by the variant of its detail.
fn subject(record: &Record) -> Option<&'static Subject> {
    let variants = record.map(Slot::Detail)?;
    SUBJECTS
        .iter()
        .find(|subject| variants.contains_key(subject.variant))
}

fn give_subject(giving: &mut Giving<'_>, form: Form, shape: &mut Shape) {
    let Some(subject) = subject(giving.record()) else {
        // What it said is kept as it was.
        if giving.native {
            giving.imply(&[Slot::DurationNs, Slot::ErrorMessage, Slot::Reason]);
        }
        return;
    };
    let mut object = Shape::default();
    subject
        .fields
        .iter()
        .for_each(|rule| rule.give(giving, &mut object));
    if subject.succeeds
        && let Some(outcome @ ("success" | "failure")) = giving.record().text(Slot::Outcome)
    {
        giving.imply(&[Slot::Outcome]);
        object.put(SUCCEEDED, outcome == "success");
    }
    if subject.key == TOOL_CALL
        && let Some(arguments) = giving.detail("tool", "args")
    {
        if !plain::is_plain(arguments) {
            giving.note("detail.tool.args", Why::Replaced);
        }
        object.put(ARGUMENTS, plain::text(arguments, Style::Plain));
    }
    put_object(shape, form, subject.key, object);
}

fn give_object(giving: &mut Giving<'_>, form: Form, shape: &mut Shape, key: &str, rules: &[Rule]) {
    let mut object = Shape::default();
    rules.iter().for_each(|rule| rule.give(giving, &mut object));
    put_object(shape, form, key, object);
}

fn put_object(shape: &mut Shape, form: Form, key: &str, mut object: Shape) {
    if object.is_empty() {
        return;
    }
    if form.spelling == Spelling::Snake {
        object.rename(snake);
    }
    shape.put_shape(key, object);
}
