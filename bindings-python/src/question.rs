//! The three questions a host asks, as Python sees them, and how their answers are read.

use std::time::SystemTime;

use astrid_host::people::{
    ApprovalQuestion, Decision, Delivery, ElicitAnswer, ElicitQuestion, UplinkEvent, UplinkInfo,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::record::{dict, plain};

/// A question with its callback's name, its fields and its kind of answer.
pub(crate) trait Question: Send + 'static {
    /// What the callback answers.
    type Answer: Send + 'static;
    /// The callback's name, without `on_`.
    const KIND: &'static str;
    /// What an answer looks like, for whoever answered otherwise.
    const EXPECTED: &'static str;

    /// The fields of the record of `astrid_host.types`.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;

    /// Reads an answer; none if it is no answer to this question.
    fn read(answer: &Bound<'_, PyAny>) -> Option<Self::Answer>;
}

impl Question for ElicitQuestion {
    type Answer = ElicitAnswer;
    const KIND: &'static str = "elicit";
    const EXPECTED: &'static str = "a str, a list of str, or None";

    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        Ok(dict!(
            py,
            request_id = &self.request_id,
            principal = self.principal.as_str(),
            capsule = &self.capsule,
            phase = self.phase.name(),
            key = &self.key,
            kind = self.kind.name(),
            description = &self.description,
            options = &self.options,
            default = &self.default,
            timeout = seconds_left(self.deadline),
        ))
    }

    fn read(answer: &Bound<'_, PyAny>) -> Option<ElicitAnswer> {
        if answer.is_none() {
            return Some(ElicitAnswer::Cancelled);
        }
        if let Some(text) = text(answer) {
            return Some(ElicitAnswer::Text(text));
        }
        // A list or a tuple, not everything that can be iterated: a mapping is no list of texts.
        if !answer.is_instance_of::<PyList>() && !answer.is_instance_of::<PyTuple>() {
            return None;
        }
        let texts = answer.try_iter().ok()?.map(|item| item.ok().and_then(|item| text(&item)));
        texts.collect::<Option<Vec<_>>>().map(ElicitAnswer::List)
    }
}

impl Question for ApprovalQuestion {
    type Answer = Decision;
    const KIND: &'static str = "approval";
    const EXPECTED: &'static str = "a Decision";

    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        Ok(dict!(
            py,
            request_id = &self.request_id,
            principal = self.principal.as_str(),
            capsule = &self.capsule,
            action = &self.action,
            resource = &self.resource,
            risk = self.risk.name(),
            timeout = seconds_left(self.deadline),
        ))
    }

    fn read(answer: &Bound<'_, PyAny>) -> Option<Decision> {
        Decision::parse(&text(answer)?)
    }
}

impl Question for UplinkEvent {
    type Answer = Delivery;
    const KIND: &'static str = "uplink";
    const EXPECTED: &'static str = "a Delivery";

    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match self {
            UplinkEvent::Registered(info) => change(py, "registered", info),
            UplinkEvent::Unregistered(info) => change(py, "unregistered", info),
            UplinkEvent::Message(message) => Ok(dict!(
                py,
                event = "message",
                principal = message.principal.as_str(),
                capsule = &message.capsule,
                uplink_id = &message.uplink_id,
                platform = &message.platform,
                user = &message.platform_user_id,
                content = &message.content,
                resolved = message.resolved.as_ref().map(astrid_host::Principal::as_str),
                timeout = seconds_left(message.deadline),
            )),
        }
    }

    fn read(answer: &Bound<'_, PyAny>) -> Option<Delivery> {
        Delivery::parse(&text(answer)?)
    }
}

/// An uplink is there, or gone.
fn change<'py>(py: Python<'py>, event: &str, info: &UplinkInfo) -> PyResult<Bound<'py, PyDict>> {
    Ok(dict!(
        py,
        event = event,
        principal = info.principal.as_str(),
        capsule = &info.capsule,
        uplink_id = &info.id,
        platform = &info.platform,
        name = &info.name,
        profile = plain(py, &info.profile)?,
    ))
}

/// The text of a `str`, or of an enumeration that is one.
fn text(value: &Bound<'_, PyAny>) -> Option<String> {
    value.cast::<PyString>().ok()?.extract().ok()
}

fn seconds_left(deadline: SystemTime) -> f64 {
    deadline.duration_since(SystemTime::now()).unwrap_or_default().as_secs_f64()
}
