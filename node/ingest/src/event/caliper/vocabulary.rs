//! Events of Caliper 1.1 and 1.2: which actions each takes, by whom, on what.
//!
//! Source: Caliper Analytics 1.1 (appendices A and B) and 1.2 (its profiles), IMS Global. Deprecated actions and events are read,
//! as the standard still describes them.

use super::Version;

const V1: Version = Version::V1p1;
const V2: Version = Version::V1p2;

#[derive(Debug)]
pub(super) struct EventType {
    pub term: &'static str,
    /// The versions that have it, first and last.
    pub spoken: (Version, Version),
    /// Its actions; all of them for the general one.
    pub actions: &'static [&'static str],
    pub actors: &'static [&'static str],
    pub objects: &'static [&'static str],
    pub generated: &'static [&'static str],
    pub target: &'static str,
}

const fn event(
    term: &'static str,
    spoken: (Version, Version),
    actions: &'static [&'static str],
    (actors, objects): (&'static [&'static str], &'static [&'static str]),
    (generated, target): (&'static [&'static str], &'static str),
) -> EventType {
    EventType { term, spoken, actions, actors, objects, generated, target }
}

const BOTH: (Version, Version) = (V1, V2);
const PERSON: &[&str] = &["Person"];

/// Every event.
pub(super) const EVENTS: &[EventType] = &[
    event("Event", BOTH, &[], (&["Agent"], &["Entity"]), (&["Entity"], "Entity")),
    event(
        "AnnotationEvent",
        BOTH,
        &[
            "Bookmarked",
            "Highlighted",
            "Shared",
            "Tagged",
            "Attached",
            "Classified",
            "Commented",
            "Described",
            "Disliked",
            "Identified",
            "Liked",
            "Linked",
            "Questioned",
            "Ranked",
            "Recommended",
            "Subscribed",
        ],
        (PERSON, &["DigitalResource"]),
        (&["Annotation"], "Entity"),
    ),
    event(
        "AssessmentEvent",
        BOTH,
        &["Started", "Paused", "Resumed", "Restarted", "Reset", "Submitted"],
        (PERSON, &["Assessment"]),
        (&["Attempt"], "Entity"),
    ),
    event(
        "AssessmentItemEvent",
        BOTH,
        &["Started", "Skipped", "Completed", "Reviewed", "Viewed"],
        (PERSON, &["AssessmentItem"]),
        (&["Attempt", "Response"], "Entity"),
    ),
    event(
        "AssignableEvent",
        BOTH,
        &[
            "Activated",
            "Deactivated",
            "Started",
            "Completed",
            "Submitted",
            "Reviewed",
            "Abandoned",
            "Hid",
            "Showed",
        ],
        (PERSON, &["AssignableDigitalResource"]),
        (&["Attempt"], "Entity"),
    ),
    event(
        "FeedbackEvent",
        (V2, V2),
        &["Commented", "Ranked"],
        (PERSON, &["Entity"]),
        (&["Comment", "Rating"], "Entity"),
    ),
    event("ForumEvent", BOTH, &["Subscribed", "Unsubscribed"], (PERSON, &["Forum"]), (&["Entity"], "Entity")),
    event("GradeEvent", BOTH, &["Graded"], (&["Agent"], &["Attempt"]), (&["Score"], "Entity")),
    event(
        "MediaEvent",
        BOTH,
        &[
            "Started",
            "Ended",
            "Paused",
            "Resumed",
            "Restarted",
            "ForwardedTo",
            "JumpedTo",
            "ChangedResolution",
            "ChangedSize",
            "ChangedSpeed",
            "ChangedVolume",
            "EnabledClosedCaptioning",
            "DisabledClosedCaptioning",
            "EnteredFullScreen",
            "ExitedFullScreen",
            "Muted",
            "Unmuted",
            "OpenedPopout",
            "ClosedPopout",
            "Rewound",
        ],
        (PERSON, &["MediaObject"]),
        (&["Entity"], "MediaLocation"),
    ),
    event(
        "MessageEvent",
        BOTH,
        &["MarkedAsRead", "MarkedAsUnread", "Posted"],
        (PERSON, &["Message"]),
        (&["Entity"], "Entity"),
    ),
    event(
        "NavigationEvent",
        BOTH,
        &["NavigatedTo"],
        (PERSON, &["DigitalResource", "SoftwareApplication", "Survey"]),
        (&["Entity"], "Entity"),
    ),
    event("OutcomeEvent", (V1, V1), &["Graded"], (&["Agent"], &["Attempt"]), (&["Result"], "Entity")),
    event(
        "QuestionnaireEvent",
        (V2, V2),
        &["Started", "Completed", "Submitted"],
        (PERSON, &["Questionnaire"]),
        (&["Entity"], "Entity"),
    ),
    event(
        "QuestionnaireItemEvent",
        (V2, V2),
        &["Started", "Skipped", "Completed", "Submitted"],
        (PERSON, &["QuestionnaireItem"]),
        (&["Response"], "Entity"),
    ),
    event(
        "ReadingEvent",
        (V1, V1),
        &["NavigatedTo", "Searched", "Viewed"],
        (PERSON, &["DigitalResource"]),
        (&["Entity"], "Frame"),
    ),
    event(
        "ResourceManagementEvent",
        (V2, V2),
        &[
            "Archived",
            "Copied",
            "Created",
            "Deleted",
            "Described",
            "Downloaded",
            "Modified",
            "Printed",
            "Published",
            "Restored",
            "Retrieved",
            "Saved",
            "Unpublished",
            "Uploaded",
        ],
        (PERSON, &["DigitalResource"]),
        (&["DigitalResource"], "Entity"),
    ),
    event("SearchEvent", (V2, V2), &["Searched"], (PERSON, &["Entity"]), (&["SearchResponse"], "Entity")),
    event(
        "SessionEvent",
        BOTH,
        &["LoggedIn", "LoggedOut", "TimedOut"],
        (&["Person", "SoftwareApplication"], &["Session", "SoftwareApplication"]),
        (&["Entity"], "Entity"),
    ),
    event("SurveyEvent", (V2, V2), &["OptedIn", "OptedOut"], (PERSON, &["Survey"]), (&["Entity"], "Entity")),
    event(
        "SurveyInvitationEvent",
        (V2, V2),
        &["Accepted", "Declined", "Sent"],
        (&["Person", "SoftwareApplication"], &["SurveyInvitation"]),
        (&["Entity"], "Entity"),
    ),
    event(
        "ThreadEvent",
        BOTH,
        &["MarkedAsRead", "MarkedAsUnread"],
        (PERSON, &["Thread"]),
        (&["Entity"], "Entity"),
    ),
    event(
        "ToolLaunchEvent",
        (V2, V2),
        &["Launched", "Returned"],
        (PERSON, &["SoftwareApplication"]),
        (&["DigitalResource"], "Entity"),
    ),
    event(
        "ToolUseEvent",
        BOTH,
        &["Used"],
        (PERSON, &["SoftwareApplication"]),
        (&["Entity"], "SoftwareApplication"),
    ),
    // A result is viewed in the profile of grading.
    event(
        "ViewEvent",
        BOTH,
        &["Viewed"],
        (PERSON, &["DigitalResource", "Result", "Survey"]),
        (&["Entity"], "Entity"),
    ),
];

/// Actions since 1.1.
const ACTIONS_1: &[&str] = &[
    "Abandoned",
    "Activated",
    "Added",
    "Attached",
    "Bookmarked",
    "ChangedResolution",
    "ChangedSize",
    "ChangedSpeed",
    "ChangedVolume",
    "Classified",
    "ClosedPopout",
    "Commented",
    "Completed",
    "Created",
    "Deactivated",
    "Deleted",
    "Described",
    "DisabledClosedCaptioning",
    "Disliked",
    "EnabledClosedCaptioning",
    "Ended",
    "EnteredFullScreen",
    "ExitedFullScreen",
    "ForwardedTo",
    "Graded",
    "Hid",
    "Highlighted",
    "Identified",
    "JumpedTo",
    "Liked",
    "Linked",
    "LoggedIn",
    "LoggedOut",
    "MarkedAsRead",
    "MarkedAsUnread",
    "Modified",
    "Muted",
    "NavigatedTo",
    "OpenedPopout",
    "Paused",
    "Posted",
    "Questioned",
    "Ranked",
    "Recommended",
    "Removed",
    "Reset",
    "Restarted",
    "Resumed",
    "Retrieved",
    "Reviewed",
    "Rewound",
    "Searched",
    "Shared",
    "Showed",
    "Skipped",
    "Started",
    "Submitted",
    "Subscribed",
    "Tagged",
    "TimedOut",
    "Unmuted",
    "Unsubscribed",
    "Used",
    "Viewed",
];

/// Actions since 1.2.
const ACTIONS_2: &[&str] = &[
    "Accepted",
    "Archived",
    "Copied",
    "Declined",
    "Downloaded",
    "Launched",
    "OptedIn",
    "OptedOut",
    "Printed",
    "Published",
    "Replied",
    "Restored",
    "Returned",
    "Saved",
    "Sent",
    "Unpublished",
    "Uploaded",
];

/// Profiles that an event of 1.2 may name.
pub(super) const PROFILES: &[&str] = &[
    "AnnotationProfile",
    "AssessmentProfile",
    "AssignableProfile",
    "FeedbackProfile",
    "ForumProfile",
    "GeneralProfile",
    "GradingProfile",
    "MediaProfile",
    "ReadingProfile",
    "ResourceManagementProfile",
    "SearchProfile",
    "SessionProfile",
    "SurveyProfile",
    "ToolLaunchProfile",
    "ToolUseProfile",
];

/// The event that this version has.
pub(super) fn event_type(term: &str, version: Version) -> Option<&'static EventType> {
    let spoken = |event: &&EventType| event.spoken.0 <= version && version <= event.spoken.1;
    EVENTS.iter().find(|event| event.term == term).filter(spoken)
}

/// The action as the table writes it: the standard's own texts write some in two ways.
pub(super) fn action(word: &str) -> &str {
    match word {
        "MarkedAsUnRead" => "MarkedAsUnread",
        "EnteredFullscreen" => "EnteredFullScreen",
        "ExitedFullscreen" => "ExitedFullScreen",
        word => word,
    }
}

/// Whether this version has the action.
pub(super) fn is_action(word: &str, version: Version) -> bool {
    let word = action(word);
    ACTIONS_1.contains(&word) || version >= V2 && ACTIONS_2.contains(&word)
}

/// Every action, for tests.
#[cfg(test)]
pub(super) fn every_action() -> Vec<&'static str> {
    ACTIONS_1.iter().chain(ACTIONS_2).copied().collect()
}
