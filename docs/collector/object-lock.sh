#!/bin/sh
# Makes the bucket of object-lock.yaml: what is put there can be removed by nobody, not by the owner of the account, before it is
# DAYS old. There is no way back for an object, so try it with DAYS=1. Object Lock is switched on when a bucket is made, and brings versions.
#
# Needs the command line of AWS, or AWS="aws --endpoint-url …" for a server that speaks S3 and knows Object Lock.
set -eu
: "${BUCKET:=example-audit}" "${REGION:=eu-central-1}" "${DAYS:=1}" "${AWS:=aws}"

$AWS s3api create-bucket --bucket "$BUCKET" --object-lock-enabled-for-bucket \
    --create-bucket-configuration "LocationConstraint=$REGION"
$AWS s3api put-object-lock-configuration --bucket "$BUCKET" --object-lock-configuration \
    "ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=COMPLIANCE,Days=$DAYS}}"
$AWS s3api put-public-access-block --bucket "$BUCKET" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
