use super::{CredentialParent, Federation, FederationError, has_control};
use crate::{entra::is_guid, postgresql::DatabaseRole};

/// The longest name of PostgreSQL, in bytes (PostgreSQL documentation, "Identifiers and Key Words").
const NAME_MAX: usize = 63;

impl Federation {
    /// The statements that create the role of the identity in Azure Database for PostgreSQL, and let it use a database.
    ///
    /// The role has the name of the managed identity, unless another is given. The object ID is that of the managed identity
    /// or service principal, not its client ID.
    ///
    /// ```
    /// use issuer::{CredentialParent, Federation, UserAssignedIdentity};
    /// let parent = CredentialParent::Identity(UserAssignedIdentity::new("shop", "orders-identity"));
    /// let federation = Federation::new(parent, "shop/orders".parse()?, &"https://issuer.example.com".parse()?);
    /// let sql = federation.sql("2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11", Some("orders"), Some("shop"))?;
    /// assert!(sql.contains("pgaadauth_create_principal_with_oid('orders', '2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11'"));
    /// assert!(sql.contains("grant connect on database shop to orders;"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FederationError`] when the object ID is not a GUID, or a name is missing or too long.
    pub fn sql(&self, object_id: &str, role: Option<&str>, database: Option<&str>) -> Result<String, FederationError> {
        if !is_guid(object_id) {
            return Err(FederationError::ObjectId);
        }
        let name = match (role, &self.parent) {
            (Some(role), _) => role,
            (None, CredentialParent::Identity(identity)) => &identity.name,
            (None, CredentialParent::Application(_)) => return Err(FederationError::NoRole),
        };
        check("role", name)?;
        let role = DatabaseRole { object_id: Some(object_id), ..DatabaseRole::new(name) };
        let mut sql =
            format!("-- In the database postgres, as a Microsoft Entra administrator:\n{}\n", role.creation());
        if let Some(database) = database {
            check("database", database)?;
            sql.push_str("\n-- In the database with the tables, as their owner:\n");
            role.grants(database).iter().for_each(|grant| sql.extend([grant, "\n"]));
        }
        Ok(sql)
    }
}

fn check(kind: &'static str, name: &str) -> Result<(), FederationError> {
    if has_control(name) {
        return Err(FederationError::ControlCharacter(kind));
    }
    if !(1..=NAME_MAX).contains(&name.len()) {
        return Err(FederationError::DatabaseName { kind, given: name.to_owned() });
    }
    Ok(())
}
