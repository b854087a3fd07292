//! One event of an audit log.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// What of an event is read; the bodies of request and answer are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'t> {
    #[serde(borrow)]
    pub(super) stage: Cow<'t, str>,
    #[serde(borrow)]
    pub(super) verb: Cow<'t, str>,
    #[serde(borrow, default, rename = "requestURI")]
    uri: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    user: Option<User<'t>>,
    #[serde(borrow, default)]
    impersonated_user: Option<User<'t>>,
    #[serde(borrow, default, rename = "sourceIPs")]
    pub(super) source_ips: Vec<Cow<'t, str>>,
    #[serde(borrow, default)]
    pub(super) user_agent: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    object_ref: Option<Object<'t>>,
    #[serde(borrow, default)]
    response_status: Option<Status<'t>>,
    #[serde(borrow, default)]
    request_received_timestamp: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    stage_timestamp: Option<Cow<'t, str>>,
}

#[derive(Deserialize)]
struct User<'t> {
    #[serde(borrow, default)]
    username: Cow<'t, str>,
}

/// What a request is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object<'t> {
    #[serde(borrow, default)]
    resource: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    api_group: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    subresource: Option<Cow<'t, str>>,
}

/// What came of it.
#[derive(Deserialize)]
pub(super) struct Status<'t> {
    #[serde(default)]
    code: Option<i64>,
    #[serde(borrow, default)]
    pub(super) reason: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    pub(super) message: Option<Cow<'t, str>>,
}

/// What changes all the time while nobody does anything.
const UPKEEP: [&str; 9] = [
    "leases",
    "events",
    "endpoints",
    "endpointslices",
    "tokenreviews",
    "subjectaccessreviews",
    "selfsubjectaccessreviews",
    "localsubjectaccessreviews",
    "selfsubjectrulesreviews",
];
/// Parts of the cluster that change what belongs to them as others ask them to.
const PARTS: [&str; 4] =
    ["system:apiserver", "system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy"];

impl Request<'_> {
    pub(super) fn object(&self) -> Option<&Object<'_>> {
        self.object_ref.as_ref()
    }

    pub(super) fn status(&self) -> Option<&Status<'_>> {
        self.response_status.as_ref()
    }

    pub(super) fn code(&self) -> Option<i64> {
        self.status()?.code.filter(|it| *it > 0)
    }

    pub(super) fn received(&self) -> Option<DateTime<Utc>> {
        instant(self.request_received_timestamp.as_deref().or(self.stage_timestamp.as_deref())?)
    }

    pub(super) fn answered(&self) -> Option<DateTime<Utc>> {
        instant(self.stage_timestamp.as_deref().or(self.request_received_timestamp.as_deref())?)
    }

    /// Whether the request ended here: the other stages are on its way.
    pub(super) fn is_answer(&self) -> bool {
        matches!(&*self.stage, "ResponseComplete" | "Panic")
    }

    /// Whether the server turned it away, or failed.
    pub(super) fn failed(&self) -> bool {
        self.stage == "Panic" || self.code().is_some_and(|it| it == 429 || it >= 500)
    }

    /// Whether it changed what the cluster is to be.
    pub(super) fn is_change(&self) -> bool {
        let changes = matches!(&*self.verb, "create" | "update" | "patch" | "delete" | "deletecollection");
        let done = self.code().is_none_or(|it| it < 400);
        if !changes || !done {
            return false;
        }
        let Some(object) = self.object() else { return false };
        let own = |it: &Option<Cow<'_, str>>, of: &[&str]| it.as_deref().is_some_and(|it| of.contains(&it));
        if own(&object.resource, &UPKEEP) || own(&object.subresource, &["status", "token", "binding"]) {
            return false;
        }
        let client = self.username();
        let part = client.starts_with("system:node:") || PARTS.contains(&client);
        !part || self.verb.starts_with("delete")
    }

    fn username(&self) -> &str {
        self.user.as_ref().map_or("", |it| &*it.username)
    }

    /// Who asked, and as whom.
    pub(super) fn client(&self) -> String {
        match &self.impersonated_user {
            Some(other) => format!("{} as {}", self.username(), other.username),
            None => self.username().to_owned(),
        }
    }

    /// `pods`, `pods/eviction`, `deployments.apps/scale`; of other requests the path.
    pub(super) fn resource(&self) -> String {
        let Some(object) = self.object() else {
            let uri = self.uri.as_deref().unwrap_or_default();
            return uri.split('?').next().unwrap_or_default().chars().take(120).collect();
        };
        let mut text = object.resource.as_deref().unwrap_or_default().to_owned();
        for (mark, part) in [('.', &object.api_group), ('/', &object.subresource)] {
            if let Some(part) = part.as_deref().filter(|it| !it.is_empty()) {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }

    /// The request in one line.
    pub(super) fn told(&self) -> String {
        let mut text = format!("{} {}", self.verb, self.resource());
        if let Some(object) = self.object() {
            let parts: Vec<&str> = [&object.namespace, &object.name].into_iter().flatten().map(|it| &**it).collect();
            if !parts.is_empty() {
                text.push(' ');
                text.push_str(&parts.join("/"));
            }
        }
        text.push_str(&format!(" by {}", self.client()));
        if let Some(agent) = self.user_agent.as_deref() {
            text.push_str(&format!(" ({})", agent.split(' ').next().unwrap_or_default()));
        }
        if let Some(code) = self.code() {
            text.push_str(&format!(": answered {code}"));
        }
        for part in self.status().into_iter().flat_map(|it| [&it.reason, &it.message]).flatten() {
            text.push(' ');
            text.extend(part.chars().take(300));
        }
        text
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc))
}
