//! Verdicts on a trace.

use super::arguments::JudgeArguments;
use super::performance::{as_said, options};
use super::terminal::{conclude, print, tell};
use std::path::Path;
use std::process::ExitCode;
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::judgement;
use tillcard_conform::report::{Folder, Report};

/// Exit code of a trace that gives other verdicts than its report, or that doesn't conform.
const NOT_CONFORMING: u8 = 1;

/// Judges a trace anew, and says where its report says otherwise.
///
/// # Errors
/// When the trace or its report can't be read, or is of another run or another suite.
pub fn judge(arguments: &JudgeArguments) -> Result<ExitCode, Failure> {
    let trace = &arguments.trace;
    let folder = trace.parent().unwrap_or(Path::new("."));
    let begun = Folder::there(folder).begun()?;
    let told = begun.report;
    let said = as_said(&told.arguments)
        .ok_or_else(|| Code::NothingToResume.because("its arguments aren't those of a run"))?;
    let options = options(&said, told.ics.clone(), told.ixit.clone())?;
    let judged = judgement::judge(trace, &told, &begun.owners, &options)?;
    let differ = differences(&told, &judged);
    for difference in &differ {
        tell(difference);
    }
    if arguments.json {
        let json = serde_json::to_string_pretty(&judged)
            .map_err(|e| Code::ReportNotWritten.because(e.to_string()))?;
        print(&format!("{json}\n"));
    } else {
        conclude(&judged);
    }
    Ok(if differ.is_empty() && judged.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_CONFORMING)
    })
}

/// Where a report says otherwise than its trace.
fn differences(told: &Report, judged: &Report) -> Vec<String> {
    let (told, judged) = (told.verdicts(), judged.verdicts());
    let mut cases: Vec<&String> = told.keys().chain(judged.keys()).collect();
    cases.sort();
    cases.dedup();
    let name = |verdict: Option<&_>| verdict.map_or("nothing".to_owned(), ToString::to_string);
    (cases.into_iter())
        .filter(|case| told.get(*case) != judged.get(*case))
        .map(|case| {
            let [told, judged] = [told.get(case), judged.get(case)].map(name);
            format!("{case}: the report says {told}, the trace says {judged}")
        })
        .collect()
}
