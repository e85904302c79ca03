//! The main route table of a network as a holder.

use aws_sdk_ec2::types::RouteTable;

use crate::resource::Tags;
use crate::resource::provider::{Holder, Remedy};

/// Returns whether a table belongs to the same stack as the object that carries these tags.
pub(super) fn is_of(table: &RouteTable, tags: &Tags) -> bool {
    crate::aws::ec2::from_sdk(table.tags()).are_of_one_stack(tags)
}

/// The id of the association by which a table is the main one of its network.
pub(super) fn main_association(table: &RouteTable) -> Option<&str> {
    let mut associations = table.associations().iter();
    let main = associations.find(|association| association.main() == Some(true))?;
    main.route_table_association_id()
}

/// A table that can become the main one instead: the earlier main table has no tags of ours.
pub(super) fn spare<'a>(table: &RouteTable, all: &'a [RouteTable]) -> Option<&'a str> {
    let mut others = all.iter().filter(|other| {
        let is_owned = crate::aws::ec2::from_sdk(other.tags()).owner().is_some();
        !is_owned && other.route_table_id() != table.route_table_id()
    });
    others.find_map(RouteTable::route_table_id)
}

/// The network as the holder of a table of ours that others have made its main one: AWS deletes no main table by itself,
/// and the network only after its other tables (hashicorp/vault#659). `all` are the tables of the network.
pub(super) fn as_main(table: &RouteTable, all: &[RouteTable]) -> Option<Holder> {
    let association = main_association(table)?;
    let (id, vpc) = (table.route_table_id()?, table.vpc_id()?);
    let text = format!("{vpc}, which has {id} as its main route table");
    let remedy = Remedy::new(format!(
        "others have made route table {id} the main one of {vpc}, so AWS does not delete it; make another table the \
         main one, then run"
    ));
    let other = spare(table, all).map_or_else(
        || format!("$(aws ec2 create-route-table --vpc-id {vpc} --query RouteTable.RouteTableId --output text)"),
        str::to_owned,
    );
    let hand = remedy.command(format!(
        "aws ec2 replace-route-table-association --association-id {association} --route-table-id {other}"
    ));
    Some(Holder::lasting(association.to_owned(), text, hand))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{RouteTableAssociation, Tag};

    use super::*;

    #[test]
    fn a_table_that_others_have_made_the_main_one_gives_that_place_back() {
        let table = |id: &str, main: Option<&str>| {
            let main = main.map(|id| {
                RouteTableAssociation::builder()
                    .route_table_association_id(id)
                    .main(true)
                    .build()
            });
            RouteTable::builder()
                .route_table_id(id)
                .vpc_id("vpc-1")
                .set_associations(main.map(|main| vec![main]))
        };
        let owned = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let ours = table("rtb-1", Some("rtbassoc-1")).build();
        let sibling = table("rtb-2", None)
            .tags(owned("fde:stack", "shop/dev"))
            .tags(owned(
                "fde:urn",
                "urn:fde:shop/dev::aws:ec2:RouteTable::table",
            ))
            .build();
        let former = table("rtb-3", None).build();
        let command = |all: &[RouteTable]| {
            let held = as_main(&ours, all).expect("it is held");
            assert_eq!(held.id, "rtbassoc-1");
            let commands = held.hand.expect("a hand").commands;
            assert_eq!(commands.len(), 1, "{commands:?}");
            commands[0].clone()
        };
        let way =
            "aws ec2 replace-route-table-association --association-id rtbassoc-1 --route-table-id ";
        let all = [ours.clone(), sibling.clone(), former.clone()];
        assert_eq!(command(&all), format!("{way}rtb-3"));
        let made = command(&all[..2]);
        let made = made.strip_prefix(way).expect("the same way");
        assert!(made.contains("create-route-table --vpc-id vpc-1"), "{made}");
        assert!(as_main(&sibling, &[former]).is_none());
    }
}
