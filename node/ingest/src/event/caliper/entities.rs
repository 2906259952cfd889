//! Entities of Caliper 1.1 and 1.2: their types with what each is a kind of, and their properties with what a value is.
//!
//! Source: Caliper Analytics 1.1 (appendices C and D) and 1.2 (sections of its entities), IMS Global. A property is looked at by its
//! name alone: the standard uses each name for one kind of value.

use super::Version;

/// Since when a type or property is spoken.
pub(super) type Since = Version;

const V1: Since = Version::V1p1;
const V2: Since = Version::V1p2;

/// Types: the term, its supertypes, since when. Deprecated ones are read, as the standard still describes them.
pub(super) const TYPES: &[(&str, &[&str], Since)] = &[
    ("Entity", &[], V1),
    ("Agent", &["Entity"], V1),
    ("Person", &["Agent"], V1),
    ("Organization", &["Agent"], V1),
    ("CourseOffering", &["Organization"], V1),
    ("CourseSection", &["CourseOffering"], V1),
    ("Group", &["Organization"], V1),
    ("SoftwareApplication", &["Agent"], V1),
    ("Annotation", &["Entity"], V1),
    ("BookmarkAnnotation", &["Annotation"], V1),
    ("HighlightAnnotation", &["Annotation"], V1),
    ("SharedAnnotation", &["Annotation"], V1),
    ("TagAnnotation", &["Annotation"], V1),
    ("DigitalResource", &["Entity"], V1),
    ("DigitalResourceCollection", &["DigitalResource"], V1),
    ("AssignableDigitalResource", &["DigitalResource"], V1),
    ("Assessment", &["AssignableDigitalResource", "DigitalResourceCollection"], V1),
    ("AssessmentItem", &["AssignableDigitalResource"], V1),
    ("Chapter", &["DigitalResource"], V1),
    ("Document", &["DigitalResource"], V1),
    ("EpubChapter", &["DigitalResource"], V1),
    ("EpubPart", &["DigitalResource"], V1),
    ("EpubSubChapter", &["DigitalResource"], V1),
    ("EpubVolume", &["DigitalResource"], V1),
    ("Forum", &["DigitalResourceCollection"], V1),
    ("Frame", &["DigitalResource"], V1),
    ("MediaLocation", &["DigitalResource"], V1),
    ("MediaObject", &["DigitalResource"], V1),
    ("AudioObject", &["MediaObject"], V1),
    ("ImageObject", &["MediaObject"], V1),
    ("VideoObject", &["MediaObject"], V1),
    ("Message", &["DigitalResource"], V1),
    ("Page", &["DigitalResource"], V1),
    ("Reading", &["DigitalResource"], V1),
    ("Thread", &["DigitalResourceCollection"], V1),
    ("WebPage", &["DigitalResource"], V1),
    ("Attempt", &["Entity"], V1),
    ("LearningObjective", &["Entity"], V1),
    ("Membership", &["Entity"], V1),
    ("Response", &["Entity"], V1),
    ("FillinBlankResponse", &["Response"], V1),
    ("MultipleChoiceResponse", &["Response"], V1),
    ("MultipleResponseResponse", &["Response"], V1),
    ("SelectTextResponse", &["Response"], V1),
    ("TrueFalseResponse", &["Response"], V1),
    ("Result", &["Entity"], V1),
    ("Score", &["Entity"], V1),
    ("Session", &["Entity"], V1),
    ("LtiSession", &["Session"], V1),
    ("AggregateMeasure", &["Entity"], V2),
    ("AggregateProgress", &["AggregateMeasure"], V2),
    ("AggregateTimeOnTask", &["AggregateMeasure"], V2),
    ("Collection", &["Entity"], V2),
    ("AggregateMeasureCollection", &["Collection"], V2),
    ("Survey", &["Collection"], V2),
    ("Comment", &["Entity"], V2),
    ("Link", &["Entity"], V2),
    ("LtiLink", &["DigitalResource", "Link"], V2),
    ("Query", &["Entity"], V2),
    ("SearchResponse", &["Entity"], V2),
    ("Rating", &["Entity"], V2),
    ("Question", &["DigitalResource"], V2),
    ("DateTimeQuestion", &["Question"], V2),
    ("MultiselectQuestion", &["Question"], V2),
    ("OpenEndedQuestion", &["Question"], V2),
    ("RatingScaleQuestion", &["Question"], V2),
    ("Questionnaire", &["DigitalResourceCollection"], V2),
    ("QuestionnaireItem", &["DigitalResource"], V2),
    ("DateTimeResponse", &["Response"], V2),
    ("MultiselectResponse", &["Response"], V2),
    ("OpenEndedResponse", &["Response"], V2),
    ("RatingScaleResponse", &["Response"], V2),
    ("Scale", &["Entity"], V2),
    ("LikertScale", &["Scale"], V2),
    ("MultiselectScale", &["Scale"], V2),
    ("NumericScale", &["Scale"], V2),
    ("SurveyInvitation", &["DigitalResource"], V2),
];

/// What is no entity and has no identifier: a place in a text, and another system's name of an entity.
pub(super) const VALUES: &[(&str, &[&str], Since)] = &[
    ("TextPositionSelector", &["start", "end"], V1),
    ("SystemIdentifier", &["identifier", "identifierType"], V2),
];

/// What the value of a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A text, or a number or truth value: answers as their systems write them.
    Plain,
    /// ISO 8601 with date, time and zone.
    Moment,
    /// ISO 8601, as `PT5M`.
    Duration,
    /// A whole number from 0.
    Count,
    Number,
    /// True or false.
    Truth,
    /// An entity of this type, or its identifier.
    Entity(&'static str),
    /// A list of such entities.
    Entities(&'static str),
    /// A list of texts, numbers or truth values.
    List,
    /// One of the two values that have no identifier.
    Value(&'static str),
    /// A list of them.
    Values(&'static str),
    /// Members of any kind: what is not Caliper's stands here.
    Open,
    /// A list, or members, of any kind.
    Any,
}

use Kind::{
    Any, Count, Duration, Entities, Entity, List, Moment, Number, Open, Plain, Text, Truth, Value, Values,
};

/// By name: what its value has to be, and since which version of Caliper; others pass in a foreign context alone.
pub(super) const PROPERTIES: &[(&str, Kind, Since)] = &[
    ("name", Text, V1),
    ("description", Text, V1),
    ("dateCreated", Moment, V1),
    ("dateModified", Moment, V1),
    ("extensions", Open, V1),
    ("annotator", Entity("Agent"), V1),
    ("annotated", Entity("Entity"), V1),
    ("bookmarkNotes", Text, V1),
    ("selection", Value("TextPositionSelector"), V1),
    ("selectionText", Text, V1),
    ("withAgents", Entities("Agent"), V1),
    ("tags", List, V1),
    ("creators", Entities("Agent"), V1),
    ("mediaType", Text, V1),
    ("keywords", List, V1),
    ("learningObjectives", Entities("LearningObjective"), V1),
    ("isPartOf", Entity("Entity"), V1),
    ("items", Entities("Entity"), V1),
    ("datePublished", Moment, V1),
    ("dateToActivate", Moment, V1),
    ("dateToShow", Moment, V1),
    ("dateToStartOn", Moment, V1),
    ("dateToSubmit", Moment, V1),
    ("maxAttempts", Count, V1),
    ("maxSubmits", Count, V1),
    ("maxScore", Number, V1),
    ("isTimeDependent", Truth, V1),
    ("version", Text, V1),
    ("assignee", Entity("Agent"), V1),
    ("assignable", Entity("DigitalResource"), V1),
    ("count", Count, V1),
    ("startedAtTime", Moment, V1),
    ("endedAtTime", Moment, V1),
    ("duration", Duration, V1),
    ("volumeLevel", Plain, V1),
    ("volumeMin", Plain, V1),
    ("volumeMax", Plain, V1),
    ("muted", Truth, V1),
    ("courseNumber", Text, V1),
    ("academicSession", Text, V1),
    ("category", Text, V1),
    ("subOrganizationOf", Entity("Organization"), V1),
    ("members", Entities("Agent"), V1),
    ("attempt", Entity("Attempt"), V1),
    ("value", Plain, V1),
    ("values", List, V1),
    ("index", Count, V1),
    ("currentTime", Duration, V1),
    ("member", Entity("Agent"), V1),
    ("organization", Entity("Organization"), V1),
    ("roles", List, V1),
    ("status", Text, V1),
    ("replyTo", Entity("Message"), V1),
    ("body", Text, V1),
    ("attachments", Entities("DigitalResource"), V1),
    ("maxResultScore", Number, V1),
    ("resultScore", Number, V1),
    ("scoreGiven", Number, V1),
    ("scoredBy", Entity("Agent"), V1),
    ("comment", Text, V1),
    ("user", Entity("Agent"), V1),
    ("messageParameters", Open, V1),
    ("start", Count, V1),
    ("end", Count, V1),
    ("otherIdentifiers", Values("SystemIdentifier"), V2),
    ("identifier", Text, V2),
    ("identifierType", Text, V2),
    ("source", Entity("SoftwareApplication"), V2),
    ("client", Entity("SoftwareApplication"), V2),
    ("host", Text, V2),
    ("ipAddress", Text, V2),
    ("userAgent", Text, V2),
    ("storageName", Text, V2),
    ("messageType", Text, V2),
    ("creator", Entity("Agent"), V2),
    ("searchTarget", Entity("Entity"), V2),
    ("searchTerms", Text, V2),
    ("searchProvider", Entity("SoftwareApplication"), V2),
    ("query", Entity("Query"), V2),
    ("searchResultsItemCount", Count, V2),
    ("searchResults", Entities("Entity"), V2),
    ("commenter", Entity("Agent"), V2),
    ("commentedOn", Entity("Entity"), V2),
    ("rater", Entity("Agent"), V2),
    ("rated", Entity("Entity"), V2),
    ("question", Entity("Question"), V2),
    ("questionPosed", Text, V2),
    ("selections", List, V2),
    ("ratingComment", Entity("Comment"), V2),
    ("scale", Entity("Scale"), V2),
    ("scalePoints", Count, V2),
    ("points", Count, V2),
    ("itemLabels", List, V2),
    ("itemValues", List, V2),
    ("isOrderedSelection", Truth, V2),
    ("minSelections", Count, V2),
    ("maxSelections", Count, V2),
    ("minValue", Number, V2),
    ("minLabel", Text, V2),
    ("maxValue", Number, V2),
    ("maxLabel", Text, V2),
    ("step", Number, V2),
    ("minDateTime", Moment, V2),
    ("maxDateTime", Moment, V2),
    ("dateTimeSelected", Moment, V2),
    ("survey", Entity("Survey"), V2),
    ("sentCount", Count, V2),
    ("dateSent", Moment, V2),
    ("categories", List, V2),
    ("weight", Number, V2),
    ("metric", Text, V2),
    ("metricValue", Number, V2),
    ("metricValueMax", Number, V2),
    ("@context", Any, V1),
    ("id", Text, V1),
    ("type", Text, V1),
];

/// The row of a type that this version has; Epub types are also written with a small letter.
pub(super) fn type_of(
    term: &str,
    version: Version,
) -> Option<&'static (&'static str, &'static [&'static str], Since)> {
    let small = term.strip_prefix("epub").map(|rest| format!("Epub{rest}"));
    let term = small.as_deref().unwrap_or(term);
    TYPES.iter().find(|(own, _, since)| *own == term && *since <= version)
}

/// Whether a type is of another type, or a kind of it.
pub(super) fn is_kind_of(term: &str, wanted: &str, version: Version) -> bool {
    let Some((own, above, _)) = type_of(term, version) else { return false };
    *own == wanted || above.iter().any(|above| is_kind_of(above, wanted, version))
}
