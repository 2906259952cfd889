//! The table of what is told: spans by their names, fields by theirs. What it does not have is not told, whoever records it.

/// The target of spans that are told. They are of the level debug, so that logs have them only where somebody asks.
pub const TARGET: &str = "aula_trace";

/// A span that is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// How the source calls it.
    pub name: &'static str,
    /// Its kind in OTLP: 1 internal, 2 of a server, 5 of a consumer.
    pub kind: u8,
    pub fields: &'static [Field],
}

/// A field that is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// How the source calls it.
    pub name: &'static str,
    /// How it is told, by OpenTelemetry's conventions where they have a name.
    pub told: &'static str,
}

const fn field(name: &'static str, told: &'static str) -> Field {
    Field { name, told }
}

/// All of them.
pub(crate) static KNOWN: &[Known] = &[
    // A request of the API; the route is a pattern, never an address.
    Known {
        name: "request",
        kind: 2,
        fields: &[
            field("method", "http.request.method"),
            field("route", "http.route"),
            field("status", "http.response.status_code"),
        ],
    },
    // A block's execution, rounds that are decided in it included.
    Known {
        name: "block",
        kind: 1,
        fields: &[field("height", "aula.height"), field("transactions", "aula.transactions")],
    },
    // A round solved again for a question.
    Known { name: "optimization", kind: 1, fields: &[field("round", "aula.round")] },
    // Messages of feeds taken into the vault in one write.
    Known { name: "batch", kind: 5, fields: &[field("messages", "messaging.batch.message_count")] },
    // A duty of a district's service.
    Known { name: "duty", kind: 1, fields: &[field("duty", "aula.duty"), field("failed", "aula.failed")] },
];

/// The table's entry of a span.
pub(crate) fn span(target: &str, name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| target == TARGET && known.name == name)
}

impl Known {
    /// Its entry of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        // The table is static, and so are its fields.
        let fields: &'static [Field] = self.fields;
        fields.iter().find(|field| field.name == name)
    }
}
