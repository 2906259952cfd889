//! Who a member of staff is, by the login of the district.
