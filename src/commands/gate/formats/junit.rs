//! A gate's result as JUnit XML: a suite per checklist, a case per item. An advisory item that is not met is no
//! failure there and no success: it is skipped, with the reason.

use engine::event::gate::ItemStatus;
use quick_junit::{NonSuccessKind, Property, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::super::report::{Checklist, Error, Item, Report};
use crate::refusal::Refusal;

pub fn render(report: &Report) -> Result<String, Refusal> {
    let mut xml = Xml::new("runwarden gate");
    for checklist in &report.checklists {
        xml.add_test_suite(suite(checklist));
    }
    Ok(without_skipped(xml.to_string().map_err(Refusal::internal)?))
}

/// The schema that most readers share has no `skipped` on the outermost element; the suites have it.
fn without_skipped(xml: String) -> String {
    let Some(end) = xml.find("<testsuites").and_then(|at| Some(at + xml.get(at..)?.find('>')?)) else { return xml };
    let (head, rest) = xml.split_at(end);
    match head.split_once(" skipped=\"") {
        Some((before, after)) => format!("{before}{}{rest}", after.split_once('"').map_or("", |(_, after)| after)),
        None => xml,
    }
}

fn suite(checklist: &Checklist) -> TestSuite {
    let mut suite = TestSuite::new(checklist.name.as_str());
    suite.set_time(checklist.took);
    suite.add_property(Property::new("title", checklist.title.as_str()));
    suite.add_property(Property::new("version", checklist.version.as_str()));
    suite.add_property(Property::new("plan", checklist.plan.as_str()));
    if let Some(run) = &checklist.run {
        suite.add_property(Property::new("run", run.as_str()));
    }
    for item in &checklist.items {
        suite.add_test_case(case(checklist, item));
    }
    if let Some(error) = checklist.shut_otherwise() {
        suite.add_test_case(shut(checklist, error));
    }
    suite
}

fn case(checklist: &Checklist, item: &Item) -> TestCase {
    let detail = item.detail.as_deref().unwrap_or_default();
    let text = || match &item.help {
        Some(help) => format!("{}\n{detail}\nhelp: {help}", item.words()),
        None => format!("{}\n{detail}", item.words()),
    };
    let mut status = match item.status {
        ItemStatus::Passed | ItemStatus::Waived => TestCaseStatus::success(),
        ItemStatus::Skipped => TestCaseStatus::skipped(),
        ItemStatus::Failed | ItemStatus::Undecidable if !item.required => TestCaseStatus::skipped(),
        ItemStatus::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        ItemStatus::Undecidable => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    match item.status {
        ItemStatus::Passed | ItemStatus::Waived => {}
        ItemStatus::Skipped => drop(status.set_message(detail)),
        ItemStatus::Failed | ItemStatus::Undecidable => {
            let advisory = if item.required { "" } else { "advisory: " };
            status.set_message(format!("{advisory}{detail}"));
            status.set_type(item.status.as_str());
            status.set_description(text());
        }
    }
    let mut case = TestCase::new(item.id.as_str(), status);
    let group = item.group.as_ref().map(|group| format!(".{group}")).unwrap_or_default();
    case.set_classname(format!("{}{group}", checklist.name));
    case.set_time(std::time::Duration::ZERO);
    if item.status == ItemStatus::Waived {
        case.set_system_out(format!("waived: {detail}"));
    }
    case
}

/// The gate itself, where it is shut and no item says why.
fn shut(checklist: &Checklist, error: &Error) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(error.message.as_str());
    status.set_type(error.code.as_str());
    let mut case = TestCase::new("gate", status);
    case.set_classname(checklist.name.as_str());
    case.set_time(std::time::Duration::ZERO);
    case
}
