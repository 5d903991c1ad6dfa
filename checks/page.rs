//! Generated pages: a check's, which `demarc explain` prints and `docs/checks` shows, and the
//! frameworks'.

use demarc_model::Check;

use crate::frameworks::{self, Answer, Control, Coverage, Family, Framework};

/// The check's page as Markdown.
pub fn markdown(check: &Check) -> String {
    let actions: Vec<_> = check.needs.iter().map(|call| format!("`{}`", call.action)).collect();
    let reads = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
    let prose = check.docs.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    format!(
        "# {}\n\n{}\n\n- severity: {}\n- layer: {}\n- control type: {}\n- judges: `{}`\n- reads: {}\n\n{}\n",
        check.id,
        check.title,
        check.severity.id(),
        check.layer.id(),
        check.control_type.id(),
        check.resource,
        reads,
        prose.collect::<Vec<_>>().join("\n").trim_end()
    )
}

/// Every catalogue and crosswalk as Markdown: which checks answer a control, and what none does.
pub fn frameworks() -> String {
    let mut lines = vec![FRAMEWORKS_HEAD.to_owned()];
    lines.extend(frameworks::all().iter().map(summary));
    for framework in frameworks::all() {
        lines.push(format!(
            "\n## {}\n\n{}, <{}>\n\n{CONTROLS_HEAD}",
            framework.id, framework.name, framework.source
        ));
        lines.extend(framework.controls.iter().map(control_row));
    }
    lines.join("\n") + "\n"
}

const FRAMEWORKS_HEAD: &str = "\
# Frameworks

Which checks answer the controls of published benchmarks, and the check ids of other scanners.
Every control of a version is listed: what no check answers says why. Titles are ours; the
originals are under the links. A finding cites benchmarks only, and of Security Hub's controls
only those in the standard. What stands in parentheses, types of resources, keys of parts, ports
and sources, limits what of a check bears on the control.

| framework | controls | answered | in part | not answered |
|---|--:|--:|--:|--:|";

const CONTROLS_HEAD: &str = "\
| control | asks that | answered by | not answered |
|---|---|---|---|";

fn summary(framework: &Framework) -> String {
    let count =
        |wanted| framework.controls.iter().filter(|control| control.coverage() == wanted).count();
    format!(
        "| [{}](#{}) | {} | {} | {} | {} |",
        framework.name,
        framework.id.replace('.', ""),
        framework.controls.len(),
        count(Coverage::Full),
        count(Coverage::Part),
        count(Coverage::None),
    )
}

fn control_row(control: &Control) -> String {
    let level = control.level.map(|level| format!("{level:?}"));
    let assessment = control.assessment.map(|assessment| format!("{assessment:?}").to_lowercase());
    let severity = control.severity.map(|severity| severity.id().to_owned());
    let outside = (!control.in_standard).then(|| "outside the standard".to_owned());
    let facts: Vec<_> = [level, assessment, severity, outside].into_iter().flatten().collect();
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let answers: Vec<_> = control.checks.iter().map(answer).collect();
    format!(
        "| {}{facts} | {} | {} | {} |",
        control.id,
        control.title,
        answers.join(", "),
        control.uncovered.as_deref().unwrap_or_default(),
    )
}

fn answer(answer: &Answer) -> String {
    let names = answer.resources.iter().chain(&answer.parts).map(|name| format!("`{name}`"));
    let ports = answer.ports.iter().map(ToString::to_string);
    let from = answer.from.map(|family| match family {
        Family::Ipv4 => "from IPv4 addresses".to_owned(),
        Family::Ipv6 => "from IPv6 addresses".to_owned(),
    });
    let limits: Vec<_> = names.chain(ports).chain(from).collect();
    let limits =
        if limits.is_empty() { String::new() } else { format!(" ({})", limits.join(", ")) };
    format!("[{id}](checks/{id}.md){limits}", id = answer.check)
}
