//! The vocabulary of the AWS shared responsibility model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The customer's layers of the model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    CustomerData,
    Platform,
    Applications,
    IdentityAccessManagement,
    OperatingSystem,
    NetworkConfiguration,
    FirewallConfiguration,
    ClientSideDataEncryption,
    DataIntegrityAuthentication,
    ServerSideEncryption,
    NetworkingTrafficProtection,
}

impl Layer {
    pub const ALL: [Self; 11] = [
        Self::CustomerData,
        Self::Platform,
        Self::Applications,
        Self::IdentityAccessManagement,
        Self::OperatingSystem,
        Self::NetworkConfiguration,
        Self::FirewallConfiguration,
        Self::ClientSideDataEncryption,
        Self::DataIntegrityAuthentication,
        Self::ServerSideEncryption,
        Self::NetworkingTrafficProtection,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::CustomerData => "customer-data",
            Self::Platform => "platform",
            Self::Applications => "applications",
            Self::IdentityAccessManagement => "identity-access-management",
            Self::OperatingSystem => "operating-system",
            Self::NetworkConfiguration => "network-configuration",
            Self::FirewallConfiguration => "firewall-configuration",
            Self::ClientSideDataEncryption => "client-side-data-encryption",
            Self::DataIntegrityAuthentication => "data-integrity-authentication",
            Self::ServerSideEncryption => "server-side-encryption",
            Self::NetworkingTrafficProtection => "networking-traffic-protection",
        }
    }

    /// As the model's own diagram spells it.
    pub fn title(self) -> &'static str {
        match self {
            Self::CustomerData => "Customer data",
            Self::Platform => "Platform",
            Self::Applications => "Applications",
            Self::IdentityAccessManagement => "Identity and access management",
            Self::OperatingSystem => "Operating system",
            Self::NetworkConfiguration => "Network configuration",
            Self::FirewallConfiguration => "Firewall configuration",
            Self::ClientSideDataEncryption => "Client-side data encryption",
            Self::DataIntegrityAuthentication => "Data integrity authentication",
            Self::ServerSideEncryption => "Server-side encryption",
            Self::NetworkingTrafficProtection => "Networking traffic protection",
        }
    }
}

/// How a control is divided between AWS and the customer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ControlType {
    /// The customer fully inherits it from AWS.
    Inherited,
    SharedPatchManagement,
    SharedConfigurationManagement,
    SharedAwarenessTraining,
    /// Depends on the customer's workload alone.
    CustomerSpecific,
}

impl ControlType {
    pub const ALL: [Self; 5] = [
        Self::Inherited,
        Self::SharedPatchManagement,
        Self::SharedConfigurationManagement,
        Self::SharedAwarenessTraining,
        Self::CustomerSpecific,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::Inherited => "inherited",
            Self::SharedPatchManagement => "shared-patch-management",
            Self::SharedConfigurationManagement => "shared-configuration-management",
            Self::SharedAwarenessTraining => "shared-awareness-training",
            Self::CustomerSpecific => "customer-specific",
        }
    }
}

/// How much of the stack AWS runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceModel {
    Infrastructure,
    /// "Container" in the model's sense: a managed service on infrastructure that AWS operates.
    Container,
    Abstracted,
}

impl ServiceModel {
    pub fn id(self) -> &'static str {
        match self {
            Self::Infrastructure => "infrastructure",
            Self::Container => "container",
            Self::Abstracted => "abstracted",
        }
    }
}
