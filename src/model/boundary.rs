//! Who owns which layer of a service, and how the line moves with the resource.
//!
//! The content lives beside the checks, as `checks/<service>/boundary.toml` and
//! `checks/control_types.toml`; these are its types and the questions asked of it.

use std::{collections::BTreeMap, ops::Index};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layer::{ControlType, Layer, ServiceModel};

/// One service's side of the line, layer by layer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// As in check ids, e.g. `rds`.
    pub service: String,
    /// As AWS writes it, e.g. `Amazon RDS`.
    pub name: String,
    pub service_model: ServiceModel,
    /// AWS pages that the file as a whole rests on.
    pub pages: Vec<String>,
    pub layers: Cells,
    /// In order of precedence.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// One layer of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    pub owner: Owner,
    /// What AWS does here, in one sentence.
    pub aws: String,
    /// What the customer does here, in one sentence.
    pub customer: String,
    /// The AWS page it rests on.
    pub page: String,
    /// Whether an AWS configuration API shows any of the customer's part.
    #[serde(default = "visible")]
    pub visible: bool,
    /// What shows the part that no configuration API does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

fn visible() -> bool {
    true
}

impl Cell {
    /// The customer's, and yet nothing that a scanner reads can tell how it stands.
    pub fn is_out_of_sight(&self) -> bool {
        self.owner.includes_customer() && !self.visible
    }
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    Aws,
    Customer,
    Both,
    /// The service has no such layer.
    None,
}

impl Owner {
    pub const ALL: [Self; 4] = [Self::Aws, Self::Customer, Self::Both, Self::None];

    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Customer => "customer",
            Self::Both => "both",
            Self::None => "none",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Customer => "Customer",
            Self::Both => "Both",
            Self::None => "No such layer",
        }
    }

    pub fn includes_customer(self) -> bool {
        matches!(self, Self::Customer | Self::Both)
    }
}

/// A cell for every layer: a file that leaves one out is not a boundary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<Layer, Cell>")]
pub struct Cells([Cell; Layer::ALL.len()]);

impl Cells {
    pub fn iter(&self) -> impl Iterator<Item = (Layer, &Cell)> {
        Layer::ALL.into_iter().zip(&self.0)
    }
}

impl Index<Layer> for Cells {
    type Output = Cell;

    fn index(&self, layer: Layer) -> &Cell {
        &self.0[layer as usize]
    }
}

impl TryFrom<BTreeMap<Layer, Cell>> for Cells {
    type Error = String;

    fn try_from(mut cells: BTreeMap<Layer, Cell>) -> Result<Self, String> {
        let cells = Layer::ALL
            .into_iter()
            .map(|layer| cells.remove(&layer).ok_or_else(|| format!("no cell for {}", layer.id())))
            .collect::<Result<Vec<_>, _>>()?;
        cells.try_into().map(Self).map_err(|_| "not one cell for each layer".to_owned())
    }
}

/// A kind of resource for which some cells differ.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    pub id: String,
    /// For people, to follow "when".
    pub when: String,
    /// CloudFormation type of the resource whose fact decides.
    pub resource: String,
    /// In AWS's spelling, e.g. `Engine`.
    pub fact: String,
    /// Globs on the fact's value, of which one must match; `*` alone is the only wildcard.
    pub matches: Vec<String>,
    pub service_model: Option<ServiceModel>,
    /// Only the cells that differ.
    #[serde(default)]
    pub layers: BTreeMap<Layer, Cell>,
}

impl Variant {
    fn applies(&self, resource: &str, facts: &[(&str, &str)]) -> bool {
        self.resource == resource
            && facts.iter().any(|(fact, value)| {
                fact.eq_ignore_ascii_case(&self.fact)
                    && self.matches.iter().any(|pattern| glob(pattern, value))
            })
    }
}

/// `facts` are names and values of one resource, in AWS's spelling. A fact that is not among them
/// selects no variant: the service's own cells then stand, which leave the more to the customer.
impl Boundary {
    /// Variants of this resource; where two have a cell for one layer, the first counts.
    pub fn variants<'a>(
        &'a self,
        resource: &str,
        facts: &[(&str, &str)],
    ) -> impl Iterator<Item = &'a Variant> {
        self.variants.iter().filter(move |variant| variant.applies(resource, facts))
    }

    pub fn cell(&self, layer: Layer, resource: &str, facts: &[(&str, &str)]) -> &Cell {
        self.variants(resource, facts)
            .find_map(|variant| variant.layers.get(&layer))
            .unwrap_or(&self.layers[layer])
    }

    pub fn service_model(&self, resource: &str, facts: &[(&str, &str)]) -> ServiceModel {
        self.variants(resource, facts)
            .find_map(|variant| variant.service_model)
            .unwrap_or(self.service_model)
    }
}

/// Case does not count: AWS's own APIs spell enumerations in several.
fn glob(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.to_ascii_lowercase(), value.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// What the control types mean, and the controls that no check can see.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlTypes {
    /// AWS pages that the file rests on.
    pub pages: Vec<String>,
    pub types: Vec<ControlTypeMeaning>,
    /// Fully AWS's: the customer's part is to fetch the evidence.
    pub inherited: Vec<InheritedControl>,
}

impl ControlTypes {
    pub fn meaning(&self, control_type: ControlType) -> Option<&ControlTypeMeaning> {
        self.types.iter().find(|meaning| meaning.id == control_type)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlTypeMeaning {
    pub id: ControlType,
    pub title: String,
    pub meaning: String,
    /// AWS's half, in one sentence.
    pub aws: String,
    /// The customer's half, in one sentence.
    pub customer: String,
    pub page: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InheritedControl {
    pub id: String,
    pub title: String,
    /// What AWS does, in one sentence.
    pub aws: String,
    /// Reports in AWS Artifact that attest it, by their names there.
    pub evidence: Vec<String>,
    pub page: String,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::{Boundary, Layer, Owner, ServiceModel, glob};

    const INSTANCE: &str = "AWS::RDS::DBInstance";

    fn cell(owner: &str) -> Value {
        json!({ "owner": owner, "aws": "a.", "customer": "c.", "page": "https://docs.aws.amazon.com/" })
    }

    fn boundary() -> Value {
        let layers: serde_json::Map<_, _> =
            Layer::ALL.map(|layer| (layer.id().to_owned(), cell("aws"))).into_iter().collect();
        json!({
            "service": "rds", "name": "Amazon RDS", "service_model": "container", "pages": [],
            "layers": layers,
            "variants": [
                {
                    "id": "oracle", "when": "…", "resource": INSTANCE, "fact": "Engine",
                    "matches": ["custom-oracle-*"], "service_model": "infrastructure",
                    "layers": { "operating-system": cell("customer") },
                },
                {
                    "id": "custom", "when": "…", "resource": INSTANCE, "fact": "Engine",
                    "matches": ["custom-*"],
                    "layers": { "operating-system": cell("both"), "platform": cell("both") },
                },
            ],
        })
    }

    fn parse(value: Value) -> Result<Boundary, String> {
        serde_json::from_value(value).map_err(|e| e.to_string())
    }

    #[test]
    fn the_line_moves_with_the_resource() {
        let rds = parse(boundary()).unwrap();
        let owner = |layer, engine| rds.cell(layer, INSTANCE, &[("Engine", engine)]).owner;
        assert_eq!(owner(Layer::OperatingSystem, "mysql"), Owner::Aws);
        assert_eq!(owner(Layer::OperatingSystem, "custom-sqlserver-ee"), Owner::Both);
        assert_eq!(owner(Layer::OperatingSystem, "custom-oracle-ee"), Owner::Customer);
        assert_eq!(owner(Layer::Platform, "custom-oracle-ee"), Owner::Both);
        assert_eq!(owner(Layer::CustomerData, "custom-oracle-ee"), Owner::Aws);
        let model = |engine| rds.service_model(INSTANCE, &[("engine", engine)]);
        assert_eq!(model("custom-oracle-ee"), ServiceModel::Infrastructure);
        assert_eq!(model("custom-sqlserver-ee"), ServiceModel::Container);
    }

    #[test]
    fn an_unknown_fact_selects_no_variant() {
        let rds = parse(boundary()).unwrap();
        assert_eq!(rds.variants(INSTANCE, &[]).count(), 0);
        assert_eq!(rds.variants(INSTANCE, &[("EngineVersion", "custom-oracle-ee")]).count(), 0);
        assert_eq!(rds.variants("AWS::RDS::DBCluster", &[("Engine", "custom-x")]).count(), 0);
    }

    #[test]
    fn a_boundary_without_one_of_its_layers_does_not_parse() {
        let mut value = boundary();
        value["layers"].as_object_mut().unwrap().remove("platform");
        assert!(parse(value).unwrap_err().contains("no cell for platform"));
    }

    #[test]
    fn a_misspelt_field_does_not_parse() {
        let mut value = boundary();
        value["layers"]["platform"]["visibel"] = json!(false);
        assert!(parse(value).unwrap_err().contains("visibel"));
    }

    #[test]
    fn a_star_stands_for_any_text_and_case_does_not_count() {
        for (pattern, value) in [
            ("custom-*", "custom-oracle-ee"),
            ("*--x-s3", "logs--use1-az4--x-s3"),
            ("FARGATE*", "fargate_spot"),
            ("a*b*c", "a-b-b-c"),
            ("*", ""),
            ("true", "True"),
            ("", ""),
        ] {
            assert!(glob(pattern, value), "{pattern} should match {value}");
        }
        for (pattern, value) in
            [("custom-*", "mysql"), ("true", "truer"), ("a*a", "a"), ("ab*bc", "abc"), ("", "x")]
        {
            assert!(!glob(pattern, value), "{pattern} should not match {value}");
        }
    }
}
