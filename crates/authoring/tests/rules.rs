//! Every rule of the built-in pack does what the tests in its file say.

use std::sync::Arc;

use coroner::Pack;
use coroner_authoring::rule_tests;

#[test]
fn rules_do_what_their_tests_say() {
    let pack = Arc::new(Pack::built_in().expect("built-in rules are sound"));
    let outcomes = rule_tests(&pack, |_, _| true);
    assert!(outcomes.len() >= 2 * pack.rule_count(), "each rule has its tests");
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|it| it.wrong.as_ref().map(|wrong| format!("{}: {}: {wrong}", it.rule, it.case)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
