"""The types of Cloud Control whose objects stand in moto."""

import cloudcontrol_data as data
import cloudcontrol_messages as messages

HANDLERS = {
    "AWS::DynamoDB::Table": data.Table,
    "AWS::EC2::VPCEndpoint": data.VpcEndpoint,
    "AWS::EFS::AccessPoint": data.AccessPoint,
    "AWS::EFS::FileSystem": data.FileSystem,
    "AWS::Events::Rule": messages.Rule,
    "AWS::KMS::Key": data.Key,
    "AWS::Kinesis::Stream": messages.Stream,
    "AWS::Logs::MetricFilter": messages.MetricFilter,
    "AWS::SNS::Topic": messages.Topic,
    "AWS::SQS::Queue": messages.Queue,
    "AWS::SSM::Parameter": data.Parameter,
    "AWS::SecretsManager::Secret": data.Secret,
}
